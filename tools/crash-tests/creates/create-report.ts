import { createHash } from 'node:crypto'
import type { Event } from '@guestpass/core'
import type { Credential } from '@guestpass/core/store-kit'
import type { JournalEntry } from '@guestpass/sandbox'
import { emailOf, type PersonApi, personIn, personOf } from './persons.ts'

/** A guest that a worker got for a person. */
export interface GivenGuest {
  readonly api: PersonApi
  readonly nth: number
  readonly guestId: string
  readonly generation: number
}

interface CreateEvidence {
  readonly given: readonly GivenGuest[]
  readonly journal: readonly JournalEntry[]
  readonly credentials: readonly Credential[]
  readonly events: readonly Event[]
  /** For how many persons of each API a guest was asked for. */
  readonly persons: Readonly<Record<PersonApi, number>>
}

export interface CreateReport {
  /** Creates that took effect upstream. */
  readonly made: number
  /** Lost answers that are recorded as in doubt. */
  readonly inDoubt: number
  /** Guests that are recorded as orphaned. */
  readonly orphaned: number
  /** Persons with more guests upstream than the store and the events account for. */
  readonly doubled: readonly string[]
  /** Creates that took effect without an event that was recorded before the send. */
  readonly undeclared: readonly string[]
  /** Persons with a guest upstream that no event mentions. */
  readonly silent: readonly string[]
  /** Guests given to a worker that the store does not have. */
  readonly lost: readonly string[]
}

/** The evidence about one person. */
interface Person {
  readonly name: string
  /** Creates that took effect. */
  readonly made: number
  readonly events: readonly Event[]
}

export function createReport({ given, journal, credentials, events, persons }: CreateEvidence): CreateReport {
  const all = personsOf(journal, events, persons)
  const stored = new Map(credentials.map(({ id, generation }) => [id, generation]))
  return {
    made: all.reduce((sum, { made }) => sum + made, 0),
    inDoubt: events.filter(({ type }) => type === 'GUEST_CREATE_IN_DOUBT').length,
    orphaned: events.filter(({ type }) => type === 'GUEST_ORPHANED').length,
    doubled: all.flatMap((one) =>
      tooMany(one, 1 + count(one, 'GUEST_ORPHANED'), 'made, but one and those recorded as orphaned'),
    ),
    undeclared: all.flatMap((one) =>
      tooMany(one, count(one, 'GUEST_CREATE_INITIATED'), 'made, but those recorded before the send'),
    ),
    silent: all
      .filter((one) => one.made > 0 && !isRecorded(one))
      .map(({ name }) => `${name}: made upstream, and no event records its end`),
    lost: given
      .filter(({ guestId, generation }) => (stored.get(guestId) ?? 0) < generation)
      .map(
        ({ api, nth, guestId }) =>
          `${api} ${nth}: guest ${guestId} was given to a worker, and the store does not have it`,
      ),
  }
}

function personsOf(
  journal: readonly JournalEntry[],
  events: readonly Event[],
  persons: CreateEvidence['persons'],
): readonly Person[] {
  const made = Map.groupBy(
    journal.filter(({ operation, created }) => operation === 'create' && created !== undefined),
    ({ body }) => (body as { readonly email?: string }).email ?? '',
  )
  const bySubject = Map.groupBy(events, ({ correlationId }) => personIn(correlationId))
  const apis: readonly PersonApi[] = ['engagements', 'external-users']
  return apis.flatMap((api) =>
    Array.from({ length: persons[api] }, (_, nth) => ({
      name: `${api} ${nth}`,
      made: made.get(masked(emailOf(api, nth)))?.length ?? 0,
      events: bySubject.get(personOf(api, nth)) ?? [],
    })),
  )
}

/** An address as the journal shows it. */
const masked = (email: string): string => `sha256:${createHash('sha256').update(email).digest('hex').slice(0, 12)}`

const count = ({ events }: Person, type: Event['type']): number => events.filter((event) => event.type === type).length

const tooMany = ({ name, made }: Person, most: number, what: string): readonly string[] =>
  made > most ? [`${name}: ${made} guests ${what} are ${most}`] : []

/** Whether an event records that the create was sent or how it ended. */
const isRecorded = (one: Person): boolean =>
  one.events.some(({ type, outcome }) => type === 'guest.authentication' && outcome === 'success') ||
  count(one, 'GUEST_CREATE_IN_DOUBT') + count(one, 'GUEST_ORPHANED') + count(one, 'GUEST_CREATE_INITIATED') > 0
