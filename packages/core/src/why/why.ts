import type { GuestCredential } from '../domain/credential.ts'
import { connectionName } from '../domain/connection-name.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { EventType } from '../domain/events/event.ts'
import { triesText } from '../domain/events/tries.ts'
import { guestIdOf } from '../domain/guest-id.ts'
import { LOOK_FIRST } from '../domain/look-first.ts'
import { anyValue, checkOptions, instant, millisOrInfinity, object, oneOf, required } from '../domain/options.ts'
import { DAY, type Instant, iso, type Millis, NEVER } from '../domain/time.ts'
import { createPseudonyms } from '../guests/authentication/pseudonyms.ts'
import { parseGuestId } from '../guests/requests/guest-token-request.ts'
import { createLocate } from '../guests/requests/locate.ts'
import { createRemovedGuests } from '../guests/requests/tombstones.ts'
import { GUEST_TOKENS } from '../guests/tokens/issue-guest-token.ts'
import * as schemas from '../ports/schemas.ts'
import type { Store } from '../ports/store.ts'
import { systemRandom } from '../ports/system.ts'
import { type GuestApi, guestApis } from '../upstream/guest-apis.ts'
import { type Cause, type CauseText, causes } from './causes.ts'
import { type History, type PlacedRecord, readHistory, textOf } from './history.ts'

/** Which guest is asked about, and at which time. */
export interface WhyQuestion {
  readonly guestId: string
  /** The API of the guest, if two APIs have a guest of that id. */
  readonly api?: GuestApi | undefined
  /** The time, in milliseconds since 1970. Default: now, by the clock of the store. */
  readonly at?: Instant | undefined
  /** The option of the keeper that renews the guests, in milliseconds. Default 24 h. */
  readonly keepForMs?: Millis | undefined
}

const questionSchema = required(
  // `parseGuestId` checks the form of the id.
  object<WhyQuestion>({ guestId: anyValue, api: oneOf(...guestApis), at: instant, keepForMs: millisOrInfinity }),
)

/** What happened to a guest, and why, from the records up to a time. */
export interface Explanation extends CauseText {
  readonly guestId: string
  readonly api: string
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
 * from what retention left of it. It changes nothing, and asks nothing of the upstream.
 *
 * @param name the name of the connection
 * @param question see `WhyQuestion`
 * @param store the store of the connection
 *
 * Rejects with `guest_unknown`, with `invalid_input` for a malformed id, or if `api` is missing and the id is
 * ambiguous, and with `config_invalid` for wrong options.
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
  store: Pick<Store, 'find' | 'list' | 'commit' | 'issued' | 'document' | 'countDocuments' | 'chain'>,
): Promise<Explanation> {
  checkOptions(
    'why',
    ['name', name, required(connectionName)],
    ['question', question, questionSchema],
    ['store', store, schemas.store('find', 'list', 'commit', 'issued', 'document', 'countDocuments', 'chain')],
  )
  const { credential, now } = await createLocate(name, withRemoved(name, store))(
    parseGuestId(question.guestId),
    question.api,
  )
  const { usedAt } = await store.find(name, credential.id)
  const at = question.at ?? now
  const { subject, api } = credential
  const history = await readHistory(store, { connection: name, subject, at })
  const keepForMs = question.keepForMs ?? DAY
  const facts: Facts = { guest: credential, history, at, keepForMs, end: tokenEnd(history), usedAt }
  const cause = causeOf(facts)
  const text: CauseText = causes[cause]
  const happened = isServed(text, facts) ? 'failed' : text.happened
  const records = basisOf(history, cause)
  return {
    guestId: guestIdOf(credential),
    api,
    subject,
    at,
    cause,
    ...text,
    happened,
    what: whatOf(facts, cause),
    records,
  }
}

/** Finds the guests that retention removed, too, by what is left of them. */
function withRemoved(name: string, store: Parameters<typeof why>[2]): Pick<Store, 'find' | 'list'> {
  // Their key is not made here: it exists if a guest was removed.
  const pseudonyms = createPseudonyms(name, { store, random: systemRandom() })
  return createRemovedGuests(name, { store, pseudonyms }).reader
}

/** What a cause is chosen by. */
interface Facts {
  readonly guest: GuestCredential
  readonly history: History
  readonly at: Instant
  readonly keepForMs: Millis
  /** The end of the token at that time, as far as the records know it. */
  readonly end: Instant | undefined
  /** The latest use of the guest, as the row has it now. */
  readonly usedAt: Instant | undefined
}

/** The causes of failures, by the code of the error. */
const byCode: Readonly<Partial<Record<ErrorCode, Cause>>> = {
  upstream_busy: 'rate_limited',
  upstream_unavailable: 'upstream_failing',
  circuit_open: 'circuit_open',
  client_rejected: 'client_rejected',
  access_rejected: 'access_rejected',
  access_denied: 'access_denied',
  scope_missing: 'scope_missing',
  channel_unavailable: 'channel_unavailable',
  token_refused: 'token_refused',
  keys_unavailable: 'keys_unavailable',
  upstream_rejected: 'upstream_rejected',
  upstream_garbled: 'upstream_garbled',
  deadline_exceeded: 'deadline_exceeded',
  cancelled: 'cancelled',
  refresh_impossible: 'refresh_impossible',
  guest_revoked: 'revoked',
}

/** The causes of refused tokens from outside, by the reason. */
const byReason: Readonly<Record<string, Cause>> = {
  expired: 'import_expired',
  superseded: 'import_superseded',
  subject: 'import_subject',
  revoked: 'import_revoked',
}

function causeOf(facts: Facts): Cause {
  const { guest, history, at, end } = facts
  const { decisive, open, hasLater } = history
  if (guest.status === 'erased' && !decisive) return 'erased'
  if (open) return 'under_way'
  if (!decisive) return hasLater ? 'not_yet' : 'no_records'
  const { eventType, outcome } = decisive.record
  if (eventType === 'TOKEN_REVOKED') return textOf(decisive, 'because') === 'replaced' ? 'replaced' : 'revoked'
  if (eventType === 'GUEST_ERASED') return 'erased'
  if (end !== undefined && end <= at && outcome !== 'failure') return lapseCause(facts, end)
  if (eventType === 'GUEST_INVALIDATED') return 'invalidated'
  if (eventType === 'GUEST_ENRICHMENT_FAILED')
    return textOf(decisive, 'crm') === 'failed' ? 'crm_failed' : 'attributes_failed'
  return outcome === 'failure' ? failureCause(decisive) : successCause(decisive, history)
}

function failureCause({ record: { error, data } }: PlacedRecord): Cause {
  if (!error) return 'other_failure'
  const { code, reason = '' } = error
  if (code === 'token_invalid') return byReason[reason] ?? 'import_invalid'
  if (code === 'needs_reauth') return reason === 'guest' ? 'refresh_token_spent' : 'sign_in_ended'
  // Guests of the other APIs are not minted anew.
  if (code === 'refresh_impossible' && data['api'] !== GUEST_TOKENS) return 'refresh_token_spent'
  if (code === 'in_doubt') return reason === 'process_ended' ? 'process_ended' : 'answer_lost'
  return byCode[code] ?? 'other_failure'
}

function successCause(decisive: PlacedRecord, history: History): Cause {
  const { eventType, data } = decisive.record
  if (eventType === 'TOKEN_ADOPTED') return 'imported'
  if (eventType === 'guest.authentication')
    return data['reused'] === true ? 'reused' : data['recovered'] === true ? 'recovered' : 'authenticated'
  const start = startOf(decisive, history)
  if (start?.record.data['lastResort'] === true) return 'last_resort'
  const refused = failureBefore(decisive, history)
  if (refused?.record.error?.reason === 'key_too_old') return 'key_too_old'
  return triggerCause(start, decisive)
}

const triggers: Readonly<Record<string, Cause>> = {
  first: 'first_token',
  due: 'due',
  expired: 'expired',
  refresh_failed: 'minted_after_refusal',
}

/** Records of earlier versions name no trigger. */
function triggerCause(start: PlacedRecord | undefined, { record }: PlacedRecord): Cause {
  const trigger = start && textOf(start, 'trigger')
  if (trigger !== undefined) return triggers[trigger] ?? 'asked'
  if (record.generation <= 1) return 'first_token'
  return record.actor === 'keeper' ? 'due' : 'asked'
}

/** Why a token ended without a renewal. */
function lapseCause({ guest, history, at, keepForMs, usedAt }: Facts, end: Instant): Cause {
  const isCurrent = guest.generation === history.token?.record.generation
  if (isCurrent && guest.tokens?.renewAt === NEVER) return 'not_renewable'
  const used = usedAt !== undefined && usedAt <= at ? usedAt : (history.used?.at ?? 0)
  return used + keepForMs < end ? 'unused' : 'keeper_not_running'
}

/** The start of the request that a record ended. */
const startOf = ({ record, count }: PlacedRecord, { records }: History): PlacedRecord | undefined =>
  records.findLast(
    (one) =>
      one.count < count &&
      one.record.correlationId === record.correlationId &&
      one.record.eventType.endsWith('_INITIATED') &&
      one.record.generation < record.generation,
  )

/** A failed refresh of the same request. */
const failureBefore = ({ record, count }: PlacedRecord, { records }: History): PlacedRecord | undefined =>
  records.findLast(
    (one) =>
      one.count < count &&
      one.record.correlationId === record.correlationId &&
      one.record.eventType === 'REFRESH_FAILED' &&
      one.record.generation < record.generation,
  )

function tokenEnd({ token }: History): Instant | undefined {
  const expiry = token && textOf(token, 'tokenExpiry')
  if (expiry !== undefined) return Date.parse(expiry)
  // Records of earlier versions: the requested lifetime from the time of the record.
  const seconds = token?.record.data['durationSeconds']
  return token && typeof seconds === 'number' ? token.at + seconds * 1_000 : undefined
}

/** Whether a call failed, and the present token was served all the same. */
const isServed = ({ happened }: CauseText, { history, end, at }: Facts): boolean =>
  happened === 'refused' && history.decisive?.record.eventType === 'REFRESH_FAILED' && end !== undefined && end > at

/** The records of the request that decided, and the one that made the token. */
function basisOf({ decisive, open, token, records }: History, cause: Cause): readonly PlacedRecord[] {
  const decided = cause === 'under_way' ? open : decisive
  return records.filter((one) => one === token || one.record.correlationId === decided?.record.correlationId)
}

const phrases: Readonly<Partial<Record<EventType, readonly [done: string, failed?: string]>>> = {
  TOKEN_GENERATED_SUCCESS: ['A token was issued'],
  REFRESH_COMPLETED: ['The token was refreshed'],
  TOKEN_ADOPTED: ['A token from outside was imported'],
  'guest.authentication': ['The person was authenticated', 'An authentication failed'],
  TOKEN_FAILED: ['', 'A request for a new token failed'],
  REFRESH_FAILED: ['', 'A refresh failed'],
  GUEST_ENRICHMENT_FAILED: ['', 'An update of the attributes failed'],
  TOKEN_REVOKED: ['The guest was revoked'],
  GUEST_INVALIDATED: ['The address of the guest was freed'],
  GUEST_ERASED: ['The guest was erased'],
}

function whatOf({ history, at, end }: Facts, cause: Cause): string {
  const { decisive, open, token } = history
  const state = end === undefined ? '' : ` The token ${end > at ? 'is valid until' : 'ended at'} ${iso(end)}.`
  if (cause === 'under_way' && open) return `A request for a token began at ${iso(open.at)}.${state}`
  if (!decisive) return cause === 'erased' ? 'The guest was erased.' : 'There is no record of the guest.'
  const { eventType, outcome, error, generation, actor, data } = decisive.record
  const [done, failed = done] = phrases[eventType] ?? [`The record ${eventType} was written`]
  const when = iso(decisive.at)
  if (outcome === 'failure') return `${failed} at ${when}: ${reasonOf(error?.message, cause)}${state}`
  const isOver = end !== undefined && end <= at && decisive === token
  if (isOver) return `The token of generation ${generation}, stored at ${when}, ended at ${iso(end)}.`
  const tries = triesText(data)
  const took = tries === undefined ? '' : ` It took ${tries}.`
  const ended = eventType === 'TOKEN_REVOKED' || eventType === 'GUEST_ERASED'
  return `${done} at ${when} by \`${actor}\`${ended ? '.' : `, generation ${generation}.${took}${state}`}`
}

/** The message of a failure. A refresh whose answer was lost is tried once more without the caller, as its rule says. */
function reasonOf(message: string | undefined, cause: Cause): string {
  if (message === undefined) return 'the reason is not known.'
  return cause === 'answer_lost' ? message.replace(` ${LOOK_FIRST}`, '') : message
}
