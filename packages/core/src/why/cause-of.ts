import type { GuestCredential } from '../domain/credential.ts'
import type { ErrorCode } from '../domain/errors.ts'
import { type Instant, type Millis, NEVER } from '../domain/time.ts'
import { GUEST_TOKENS } from '../guests/tokens/issue-guest-token.ts'
import type { Cause } from './causes/causes.ts'
import { bringsToken, type History, isRelated, lastOfAccessToken, type PlacedRecord, textOf } from './history.ts'

/** What a cause is chosen by. */
export interface Facts {
  /** The guest as its row is now. Absent if the records led to no guest. */
  readonly guest: GuestCredential | undefined
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
  create_in_doubt: 'create_in_doubt',
  guest_orphaned: 'guest_orphaned',
}

/** The causes of refused tokens from outside, by the reason. */
const byReason: Readonly<Record<string, Cause>> = {
  expired: 'import_expired',
  superseded: 'import_superseded',
  subject: 'import_subject',
  revoked: 'import_revoked',
}

/** Chooses the cause of what happened last. */
export function causeOf(facts: Facts): Cause {
  const { guest, history, at, end } = facts
  const { decisive, open, hasLater } = history
  if (guest?.status === 'erased' && !decisive) return 'erased'
  if (open) return 'under_way'
  if (!decisive) return lastOfAccessToken(history) ? 'access_token' : hasLater ? 'not_yet' : 'no_records'
  const { eventType, outcome } = decisive.record
  if (eventType === 'TOKEN_REVOKED') return textOf(decisive, 'because') === 'replaced' ? 'replaced' : 'revoked'
  if (eventType === 'GUEST_ERASED') return 'erased'
  if (eventType === 'GUEST_ORPHANED') return 'guest_orphaned'
  if (end !== undefined && end <= at && outcome !== 'failure') return lapseCause(facts, end)
  if (eventType === 'GUEST_INVALIDATED') return 'invalidated'
  if (eventType === 'GUEST_ENRICHMENT_FAILED')
    return textOf(decisive, 'crm') === 'failed' ? 'crm_failed' : 'attributes_failed'
  if (outcome === 'failure') return failureCause(decisive, history)
  return isRestored(facts) ? 'restored' : successCause(decisive, history)
}

function failureCause(decisive: PlacedRecord, history: History): Cause {
  const { error, data, statusCode } = decisive.record
  if (!error) return 'other_failure'
  const { code, reason = '' } = error
  if (code === 'token_invalid') return byReason[reason] ?? 'import_invalid'
  if (code === 'session_exists') return statusCode === null ? 'session_exists' : 'session_exists_upstream'
  // Guests of the other APIs are not minted anew.
  const isSpent =
    (code === 'needs_reauth' && reason === 'guest') || (code === 'refresh_impossible' && data['api'] !== GUEST_TOKENS)
  if (isSpent) return isAfterRestore(decisive, history) ? 'spent_after_restore' : 'refresh_token_spent'
  if (code === 'needs_reauth') return 'sign_in_ended'
  if (code === 'in_doubt') return reason === 'process_ended' ? 'process_ended' : 'answer_lost'
  return byCode[code] ?? 'other_failure'
}

function successCause(decisive: PlacedRecord, history: History): Cause {
  const { eventType, data, generation } = decisive.record
  if (eventType === 'TOKEN_ADOPTED') return 'imported'
  if (eventType === 'guest.authentication')
    return data['reused'] === true ? 'reused' : data['recovered'] === true ? 'recovered' : 'authenticated'
  const start = startOf(decisive, history)
  if (start?.record.data['lastResort'] === true)
    return isAfterRestore(decisive, history) ? 'last_resort_after_restore' : 'last_resort'
  const refused = failureBefore(decisive, history)
  if (refused?.record.error?.reason === 'key_too_old') return 'key_too_old'
  const isRepeat = start?.record.correlationId !== decisive.record.correlationId
  if (start && isRepeat && generation > 1) return 'continued'
  return triggerCause(start, decisive)
}

const triggers: Readonly<Record<string, Cause>> = {
  first: 'first_token',
  due: 'due',
  expired: 'expired',
  key_gone: 'key_gone',
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
  const isCurrent = guest?.generation === history.token?.record.generation
  if (isCurrent && guest?.tokens?.renewAt === NEVER) return 'not_renewable'
  const used = usedAt !== undefined && usedAt <= at ? usedAt : (history.used?.at ?? 0)
  return used + keepForMs < end ? 'unused' : 'keeper_not_running'
}

/** The start of the request that a record ended, or of the refresh that it repeated. */
const startOf = (decisive: PlacedRecord, { records }: History): PlacedRecord | undefined =>
  records.findLast(
    (one) =>
      one.count < decisive.count &&
      isRelated(one, decisive) &&
      one.record.eventType.endsWith('_INITIATED') &&
      one.record.generation < decisive.record.generation,
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

/** Whether only a restore can have put the guest in doubt, as it is now: no record of its own says so. */
const isRestored = ({ guest, history: { token, records, hasLater } }: Facts): boolean =>
  guest?.status === 'in_doubt' && !hasLater && token !== undefined && !records.some((one) => isRefreshAfter(one, token))

/**
 * Whether only a restore can have declared the doubt under which a refresh token was sent once more: the first refresh
 * after the token was sent so.
 */
function isAfterRestore(decisive: PlacedRecord, { records }: History): boolean {
  const token = records.findLast((one) => one.count < decisive.count && bringsToken(one))
  const first = token && records.find((one) => isRefreshAfter(one, token))
  return first?.record.data['lastResort'] === true
}

const isRefreshAfter = ({ count, record: { eventType } }: PlacedRecord, token: PlacedRecord): boolean =>
  count > token.count && eventType === 'REFRESH_INITIATED'
