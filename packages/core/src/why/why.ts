import { connectionName } from '../domain/connection-name.ts'
import { guestIdOf } from '../domain/guest-id.ts'
import {
  anyValue,
  checkOptions,
  instant,
  millisOrInfinity,
  nonEmptyText,
  object,
  oneOf,
  required,
} from '../domain/options.ts'
import { DAY, type Instant, type Millis } from '../domain/time.ts'
import { invalid } from '../guests/requests/faults.ts'
import * as schemas from '../ports/schemas.ts'
import type { Store } from '../ports/store.ts'
import { type GuestApi, guestApis } from '../upstream/guest-apis.ts'
import { causeOf, type Facts } from './cause-of.ts'
import type { CauseText } from './causes/cause-text.ts'
import { type Cause, causes } from './causes/causes.ts'
import { contextRecords } from './context-records.ts'
import { type FoundSubject, findGuestSubject, findSubject, unknownSubject } from './find-subject.ts'
import { type History, isRelated, lastOfAccessToken, type PlacedRecord, textOf, tokenEnd } from './history.ts'
import { readHistory } from './read-history.ts'
import { whatHappened } from './what-happened.ts'

/** Which guest is asked about, by its id or by the subject of its records, and at which time. */
export interface WhyQuestion {
  /** The id of the guest. Either this or `subject`. */
  readonly guestId?: string | undefined
  /** The subject of its records: of a guest whose first token failed nothing else is known. */
  readonly subject?: string | undefined
  /** The API of the guest, if two APIs have a guest of that id. */
  readonly api?: GuestApi | undefined
  /** The time, in milliseconds since 1970. Default: now, by the clock of the store. */
  readonly at?: Instant | undefined
  /** The option of the keeper that renews the guests, in milliseconds. Default 24 h. */
  readonly keepForMs?: Millis | undefined
}

const questionSchema = required(
  object<WhyQuestion>({
    // `parseGuestId` checks the form of the id.
    guestId: anyValue,
    subject: nonEmptyText,
    api: oneOf(...guestApis),
    at: instant,
    keepForMs: millisOrInfinity,
  }),
)

/** What happened to a guest, and why, from the records up to a time. */
export interface Explanation extends CauseText {
  /** Absent for a guest of which only the subject is known. */
  readonly guestId?: string
  /** Absent if neither the guest nor its records name it. */
  readonly api?: string
  readonly subject: string
  /** The time that is asked about, in milliseconds since 1970. */
  readonly at: Instant
  readonly cause: Cause
  /** What happened, with its time, as sentences. */
  readonly what: string
  /** The records that the explanation rests on, the oldest first. `count`: the place in the log. */
  readonly records: readonly PlacedRecord[]
}

/**
 * Explains what happened last to a guest up to a time, and why: from its records, and from its row as it is now, or
 * from what retention left of it. It changes nothing, and asks nothing of the upstream. It reads at most 2,000 records
 * of the guest, from the time backwards.
 *
 * @param name the name of the connection
 * @param question see `WhyQuestion`
 * @param store the store of the connection
 *
 * Rejects with `guest_unknown`, with `invalid_input` for a malformed id, if `api` is missing and the id is
 * ambiguous, or if not exactly one of `guestId` and `subject` is given, and with `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { memoryStore } from '@guestpass/core'
 * import { why } from '@guestpass/core/runtime-kit'
 *
 * const store = memoryStore()
 * const question = { guestId: '3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90', at: Date.parse('2026-01-31T08:00Z') }
 * await why('default', question, store).then(
 *   ({ what, why: cause, prevention }) => console.log(what, cause, prevention),
 *   (error: Error) => console.log(error.message), // This store has no such guest.
 * )
 * ```
 */
export async function why(
  name: string,
  question: WhyQuestion,
  store: Pick<Store, 'find' | 'findBySubject' | 'list' | 'commit' | 'issued' | 'document' | 'countDocuments' | 'chain'>,
): Promise<Explanation> {
  checkOptions(
    'why',
    ['name', name, required(connectionName)],
    ['question', question, questionSchema],
    ['store', store, schemas.store(...storeCalls)],
  )
  const { keepForMs = DAY } = question
  const { subject, guest, usedAt, now } = await findAsked(name, question, store)
  const at = question.at ?? now
  const isUseKnown = usedAt !== undefined && usedAt <= at
  const reading = { connection: name, subject, at, keepForMs: isUseKnown ? Number.POSITIVE_INFINITY : keepForMs }
  const history = await readHistory(store, reading)
  if (!guest && history.records.length === 0 && !history.hasLater) throw unknownSubject(name, subject)
  const facts: Facts = { guest, history, at, keepForMs, end: tokenEnd(history), usedAt }
  const cause = causeOf(facts)
  const context = await contextRecords(store, name, cause, history)
  const text = causes[cause]
  const api = guest?.api ?? apiIn(history)
  return {
    ...(guest ? { guestId: guestIdOf(guest) } : {}),
    ...(api === undefined ? {} : { api }),
    subject,
    at,
    cause,
    ...text,
    happened: isServed(text, facts) ? 'failed' : text.happened,
    what: whatHappened(facts, cause, context),
    records: basisOf(history, cause, context),
  }
}

const storeCalls = ['find', 'findBySubject', 'list', 'commit', 'issued', 'document', 'countDocuments', 'chain'] as const

async function findAsked(
  name: string,
  { guestId, subject, api }: WhyQuestion,
  store: Parameters<typeof why>[2],
): Promise<FoundSubject> {
  if (guestId !== undefined && subject === undefined) return findGuestSubject(name, guestId, api, store)
  if (guestId === undefined && subject !== undefined) return findSubject(name, subject, store)
  throw invalid([{ path: ['guestId'], message: 'must be given, or `subject`, and not both' }], {
    guestId: 'Give one of the two.',
  })
}

const apiIn = ({ records }: History): string | undefined =>
  records.map((one) => textOf(one, 'api')).find((api) => api !== undefined)

/** Whether a call failed, and the present token was served all the same. */
const isServed = ({ happened }: CauseText, { history, end, at }: Facts): boolean =>
  happened === 'refused' && history.decisive?.record.eventType === 'REFRESH_FAILED' && end !== undefined && end > at

/** The records of the request that decided, the one that made the token, and those of the connection, in their order. */
function basisOf(history: History, cause: Cause, context: readonly PlacedRecord[]): readonly PlacedRecord[] {
  const { decisive, open, token, removed, records } = history
  const decided = cause === 'under_way' ? open : cause === 'access_token' ? lastOfAccessToken(history) : decisive
  const own = records.filter((one) => one === token || one === removed || (decided && isRelated(one, decided)))
  const others = context.filter(({ count }) => own.every((one) => one.count !== count))
  return [...own, ...others].toSorted((one, other) => one.count - other.count)
}
