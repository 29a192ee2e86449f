import { backOffMs, withSpread } from '../domain/back-off.ts'
import { anyValue, checkOptions, integer, millis, object } from '../domain/options.ts'
import { LOOK_FIRST } from '../domain/look-first.ts'
import { type Instant, iso, type Millis, SECOND } from '../domain/time.ts'
import { type ErrorCode, GuestpassError, type UpstreamFacts } from '../domain/errors.ts'
import type { FailedTry } from '../domain/events/tries.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { RetryBudget } from './retry-budget.ts'
import { type Call, type CallHandler, type Policy, TryFailure, type TryFacts } from './pipeline.ts'

/** How often, and after which waits, calls are repeated. */
export interface RetryOptions {
  /**
   * Retries after the first try, 0 to 20. Default 3. A try that only needed a new access token does not
   * count.
   */
  readonly retries?: number
  /**
   * The upper limit of the first back-off, in milliseconds, at least 0. It doubles with each retry. The
   * back-off is random below it (full jitter). Default 500.
   */
  readonly baseMs?: Millis
  /** The longest back-off, in milliseconds, at least 0, unless `Retry-After` is longer. Default 30 s. */
  readonly capMs?: Millis
  /** Limits the retries of a connection. Default: no limit. */
  readonly budget?: RetryBudget
}

export const retrySchema = object<RetryOptions>({
  retries: integer(0, 20),
  baseMs: millis(0),
  capMs: millis(0),
  budget: anyValue,
})

interface Parts {
  readonly retries: number
  readonly baseMs: Millis
  readonly capMs: Millis
  readonly budget: RetryBudget | undefined
  readonly clock: Clock
  readonly random: Random
}

/**
 * Repeats failed tries that may be repeated, and turns the last failure into a `GuestpassError`. No other
 * layer repeats.
 *
 * - Always repeated: 429, 503, the OAuth error temporarily_unavailable, and a request that was not sent. They
 *   prove that nothing happened.
 * - Repeated if the call is repeatable: 408, every other 5xx but 501 and 505, and lost answers; no other
 *   OAuth error that refuses.
 * - Repeated once, without a wait: a refused access token.
 * - Repeated until the deadline: a request that the upstream still works on.
 * - A call that is single is repeated only if it was not sent.
 *
 * The wait is what the upstream asked for, and up to a tenth more; else exponential back-off with full
 * jitter. If the wait would pass the deadline, the call fails at once, with `retryAt`.
 *
 * @throws `in_doubt` for the lost answer of a call that is not repeatable; else the code of the last failure.
 *   After `deadline_exceeded` or an abort, the last try may have taken effect too. `config_invalid` for wrong
 *   options.
 */
export function retry(
  options: RetryOptions,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Policy {
  checkOptions('retry', ['retry', options, retrySchema])
  const { retries = 3, baseMs = SECOND / 2, capMs = 30 * SECOND, budget } = options
  const parts: Parts = { retries, baseMs, capMs, budget, clock, random }
  return (next) => (call) => callWithRetries(parts, next, call)
}

async function callWithRetries<T>(parts: Parts, next: CallHandler<T>, call: Call): Promise<T> {
  const { retries, budget, clock } = parts
  budget?.deposit(call.connection)
  let repeats = 0
  let waits = 0
  let renewals = 0
  for (let tries = 1; ; tries += 1) {
    call.signal.throwIfAborted()
    try {
      return await next(call)
    } catch (thrown) {
      if (!(thrown instanceof TryFailure)) throw thrown
      const { facts } = thrown
      if (facts.code === 'access_rejected' && !facts.isFinal && renewals === 0) {
        renewals += 1
        call.onFailedTry(ended(thrown, call, { tries }), endOf(facts))
        continue
      }
      if (!mayRepeat(facts, call)) throw ended(thrown, call, { tries, ...namedRetryAt(facts, clock) })
      waits += 1
      const waitMs = waitBefore(parts, facts, waits)
      const retryAt = clock.wall() + waitMs
      if (waitMs >= call.remainingMs())
        throw ended(thrown, call, { tries, retryAt, ...(facts.retryAfterMs ? {} : { why: NO_TIME }) })
      if (repeats >= retries && !facts.isInProgress) throw ended(thrown, call, { tries, retryAt })
      if (!mayAfford(budget, call.connection, facts))
        throw ended(thrown, call, { tries, retryAt, why: 'Too many calls of this connection were repeated lately' })
      call.onFailedTry(ended(thrown, call, { tries }), endOf(facts))
      await clock.sleep(waitMs, call.signal)
      if (!facts.isInProgress) repeats += 1
    }
  }
}

/** How a try ended, as the record of a later success names it. */
function endOf({ sent, upstream }: TryFacts): FailedTry {
  if (sent === 'answered') return upstream?.status ?? 'unreadable'
  return sent === 'no' ? 'not_sent' : 'lost'
}

/** Not said where the upstream itself named a later time. */
const NO_TIME = 'No time is left to wait for another try'

/** Milliseconds to wait before a repeat. `waits`: the number of this wait, from 1. */
function waitBefore({ baseMs, capMs, random }: Parts, { retryAfterMs, isInProgress }: TryFacts, waits: number): Millis {
  // A Retry-After of 0 names no time: all callers would come back at once.
  if (retryAfterMs) return withSpread(retryAfterMs, random.float())
  // Only a failure has many callers that come back together. For a request in progress, one caller waits.
  const jitter = isInProgress ? 0.5 : 1
  return backOffMs({ failures: waits, baseMs, maxMs: capMs, jitter }, random.float())
}

/**
 * Whether the budget allows a repeat. One at the time that the upstream itself named burdens it little, and
 * is free.
 */
const mayAfford = (
  budget: RetryBudget | undefined,
  connection: string,
  { retryAfterMs, isInProgress }: TryFacts,
): boolean => !budget || Boolean(retryAfterMs) || isInProgress === true || budget.withdraw(connection)

/** The time at which the upstream asked to come back, if it did. */
const namedRetryAt = ({ retryAfterMs }: TryFacts, clock: Clock): { readonly retryAt?: Instant } =>
  retryAfterMs ? { retryAt: clock.wall() + retryAfterMs } : {}

/**
 * 5xx statuses that prove that the server did nothing: not implemented, unavailable, HTTP version not
 * supported.
 */
const INACTIVE: ReadonlySet<number> = new Set([501, 503, 505])

function mayRepeat(facts: TryFacts, call: Call): boolean {
  const status = facts.upstream?.status
  if (call.isSingle) return facts.sent === 'no'
  if (facts.isInProgress || facts.sent === 'no' || status === 429 || status === 503) return true
  if (facts.upstream?.code === 'temporarily_unavailable' && status !== 504) return true
  return call.repeatable && isOutcomeUnknown(facts)
}

/**
 * Error codes by which a token endpoint refuses (RFC 6749, 4.1.2.1 and 5.2). `server_error` proves nothing.
 */
const REFUSALS: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'temporarily_unavailable',
])

/**
 * Whether the upstream may have acted on a request that got this answer. A gateway that timed out (504) knows
 * no refusal.
 */
function mayHaveActed({ status, code }: UpstreamFacts): boolean {
  if (status !== 504 && code !== undefined && REFUSALS.has(code)) return false
  return status === 408 || (status >= 500 && !INACTIVE.has(status)) || (status < 300 && code === 'server_error')
}

/**
 * Whether the upstream may have acted on a failed try: the answer was lost, or a failing server or gateway
 * answered, which may have acted or passed the request on.
 */
export const isOutcomeUnknown = ({ sent, upstream }: TryFacts): boolean =>
  sent === 'unknown' || (sent === 'answered' && upstream !== undefined && mayHaveActed(upstream))

interface End {
  readonly tries: number
  readonly retryAt?: Instant
  readonly why?: string
}

function ended({ facts }: TryFailure, call: Call, { tries, retryAt, why }: End): GuestpassError {
  const { message, upstream, cause } = facts
  const code = codeOf(facts, call)
  const failure = message.includes(call.operation) ? message : `${call.operation}: ${message}`
  const sentences = [
    `${failure} Connection ${call.connection}, ${tries === 1 ? '1 try' : `${tries} tries`}.`,
    ...(why ? [`${why}.`] : []),
    ...(code === 'in_doubt' ? [LOOK_FIRST] : []),
    ...(retryAt === undefined ? [] : [`Ask again at ${iso(retryAt)} or later.`]),
  ]
  return new GuestpassError(code, sentences.join(' '), {
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(upstream ? { upstream } : {}),
    ...(cause === undefined ? {} : { cause }),
  })
}

function codeOf(facts: TryFacts, call: Call): ErrorCode {
  if (!call.repeatable && isOutcomeUnknown(facts)) return 'in_doubt'
  return facts.upstream?.status === 429 ? 'upstream_busy' : facts.code
}
