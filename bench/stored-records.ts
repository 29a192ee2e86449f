import { randomUUID } from 'node:crypto'
import { type Event, Secret, type Store } from '@guestpass/core'
import { systemRandom } from '@guestpass/core/runtime-kit'
import { type Credential, HOUR, type Instant, profileSecret, SECOND } from '@guestpass/core/store-kit'
// Pseudonyms are no public part of the library. The ones here are made with the key of the store.
import { createPseudonyms, type Pseudonyms } from '../packages/core/src/guests/authentication/pseudonyms.ts'
import { CONNECTION } from './live-sessions.ts'

/** Records of each guest: issued, and then refreshed again and again. */
const RECORDS_EACH = 20
const GUESTS_AT_ONCE = 50
const YEAR = 365 * 24 * HOUR

/** The address of a guest by its number. */
export const emailOf = (nth: number): string => `guest-${nth}@example.com`

/** The id of a guest by its number. */
export const idOf = (nth: number): string => `00000000-0000-4000-8000-${String(nth).padStart(12, '0')}`

interface Place {
  readonly nth: number
  readonly subject: string
  readonly from: Instant
  readonly to: Instant
}

function event({ nth, subject, from, to }: Place, index: number): Event {
  const at = Math.round(from + ((to - from) * index) / RECORDS_EACH)
  const type = index === 0 ? 'guest.authentication' : index % 2 ? 'REFRESH_INITIATED' : 'REFRESH_COMPLETED'
  return {
    id: randomUUID(),
    type,
    outcome: type === 'REFRESH_INITIATED' ? 'pending' : 'success',
    at,
    actor: 'keeper',
    connection: CONNECTION,
    subject,
    generation: 1 + Math.floor(index / 2),
    correlationId: randomUUID(),
    latencyMs: (nth % 900) / 10 + 20,
    data: { api: 'engagements', verified: true, guestId: idOf(nth), scopes: ['webmessaging:guest:send'] },
  } as unknown as Event
}

async function guest({ nth, subject, from, to }: Place, pseudonyms: Pseudonyms): Promise<Credential> {
  return {
    connection: CONNECTION,
    id: idOf(nth),
    kind: 'guest',
    api: 'engagements',
    subject,
    generation: RECORDS_EACH / 2,
    status: 'active',
    createdAt: from,
    aliveUntil: to + 24 * HOUR,
    person: await pseudonyms.ofPerson(emailOf(nth)),
    profile: profileSecret({ email: emailOf(nth), name: `Guest ${nth}`, attributes: {} }),
    tokens: {
      access: new Secret(`token-of-${nth}`.repeat(40)),
      scopes: ['webmessaging:guest:send'],
      verified: true,
      sentAt: to,
      expiresAt: to + 24 * HOUR,
      renewAt: to + 24 * HOUR - 240 * SECOND,
    },
  }
}

/** Which records to add: from the number of the first one to that of the last, of so many in a year that ends now. */
export interface RecordRange {
  readonly from: number
  readonly to: number
  readonly ofYear: number
}

/** Commits guests and their records. */
export async function addRecords(store: Store, { from, to, ofYear }: RecordRange, now: Instant): Promise<void> {
  const pseudonyms = createPseudonyms(CONNECTION, { store, random: systemRandom() })
  const timeOf = (record: number): Instant => now - YEAR + (YEAR * record) / ofYear
  const last = to / RECORDS_EACH
  for (let at = from / RECORDS_EACH; at < last; at += GUESTS_AT_ONCE) {
    const places = Array.from({ length: Math.min(GUESTS_AT_ONCE, last - at) }, (_, index): Place => {
      const record = (at + index) * RECORDS_EACH
      return { nth: at + index, subject: randomUUID(), from: timeOf(record), to: timeOf(record + RECORDS_EACH) }
    })
    const writes = await Promise.all(
      places.map(async (place) => ({ credential: await guest(place, pseudonyms), expect: { generation: 0 } })),
    )
    const events = places.flatMap((place) => Array.from({ length: RECORDS_EACH }, (_, index) => event(place, index)))
    if ((await store.commit({ connection: CONNECTION, writes, events })) === 'conflict') throw new Error('a conflict')
  }
}
