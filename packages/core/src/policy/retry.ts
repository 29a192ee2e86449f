import { anyValue, checkOptions, millis, object, integer } from '../domain/options.ts'
import { type Instant, iso, type Millis, SECOND } from '../domain/time.ts'
import { type ErrorCode, GuestpassError, type UpstreamFacts } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { RetryBudget } from './retry-budget.ts'
import { type Call, type Policy, TryFailure, type TryFacts } from './pipeline.ts'

export interface RetryOptions {
  /** Tries after the first, 0 to 20; default 3. A try that only needed a new access token does not count. */
  readonly retries?: number
  /** The first back-off is shorter than this, each next one than twice as long; milliseconds, default 500. */
  readonly baseMs?: Millis
  /** No back-off is longer, unless upstream says so; milliseconds, default 30 s. */
  readonly capMs?: Millis
  /** What may be repeated on a connection; no bound when absent. */
  readonly budget?: RetryBudget
}

export const retrySchema = object<RetryOptions>({
  retries: integer(0, 20),
  baseMs: millis(0),
  capMs: millis(0),
  budget: anyValue,
})

/** Beyond what upstream told to wait, callers spread over this part of it, so that they do not come back all at once. */
const SPREAD = 0.1

/**
 * Repeats tries that may be repeated, and makes a `GuestpassError` of the failure that stands at the end. Nothing else in a
 * pipeline repeats.
 *
 * Always repeated: 429, 503, the OAuth error temporarily_unavailable and what was never sent, which prove that nothing happened.
 * Repeated when the call is repeatable: 408, every other 5xx but 501 and 505, and lost answers; no other OAuth error that refuses. Repeated once, at once: a refused access token. What upstream still works on is asked for
 * again until the deadline, however often. Nothing else. Of a call that is single only what was never sent is tried again.
 *
 * The wait is what upstream told, never less, and up to a tenth more; else exponential with full jitter. When it would pass
 * the deadline, the call fails at once and says when to come back (`retryAt`). The lost answer of a call that is not
 * repeatable becomes `in_doubt`; after `deadline_exceeded` or an abort it is open as well whether the last try took effect.
 */
export function retry(
  options: RetryOptions,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Policy {
  checkOptions('retry', ['retry', options, retrySchema])
  const { retries = 3, baseMs = SECOND / 2, capMs = 30 * SECOND, budget } = options

  const waitAfter = ({ retryAfterMs, isInProgress }: TryFacts, waits: number): Millis => {
    // A wait of nothing is no advice: a herd would come back at once.
    if (retryAfterMs) return retryAfterMs * (1 + SPREAD * random.float())
    const most = Math.min(capMs, baseMs * 2 ** waits)
    // Upstream is at work and nobody else waits for the same: there is a herd to break up only where it failed.
    return isInProgress ? (most * (1 + random.float())) / 2 : most * random.float()
  }

  /** A repeat at the time that upstream itself named is no burden to it, and costs nothing. */
  const affordable = (connection: string, { retryAfterMs, isInProgress }: TryFacts): boolean =>
    !budget || Boolean(retryAfterMs) || isInProgress === true || budget.withdraw(connection)

  return (next) => async (call) => {
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
          continue
        }
        if (!mayRepeat(facts, call)) throw ended(thrown, call, { tries, ...toldToWait(facts, clock) })
        const wait = waitAfter(facts, waits)
        const retryAt = clock.wall() + wait
        if (wait >= call.remainingMs())
          throw ended(thrown, call, { tries, retryAt, why: 'No time is left to wait for another try' })
        if (repeats >= retries && !facts.isInProgress) throw ended(thrown, call, { tries, retryAt })
        if (!affordable(call.connection, facts)) {
          throw ended(thrown, call, { tries, retryAt, why: 'Too much had to be repeated on this connection lately' })
        }
        call.onFailedTry(ended(thrown, call, { tries }))
        await clock.sleep(wait, call.signal)
        waits += 1
        if (!facts.isInProgress) repeats += 1
      }
    }
  }
}

/** When upstream itself said to come back. */
const toldToWait = ({ retryAfterMs }: TryFacts, clock: Clock): { readonly retryAt?: Instant } =>
  retryAfterMs ? { retryAt: clock.wall() + retryAfterMs } : {}

/** Statuses of a failing server that say that it did nothing: not implemented, unavailable, a version of HTTP that it does not speak. */
const INACTIVE: ReadonlySet<number> = new Set([501, 503, 505])

function mayRepeat(facts: TryFacts, call: Call): boolean {
  const status = facts.upstream?.status
  if (call.isSingle) return facts.sent === 'no'
  if (facts.isInProgress || facts.sent === 'no' || status === 429 || status === 503) return true
  if (facts.upstream?.code === 'temporarily_unavailable' && status !== 504) return true
  return call.repeatable && isOutcomeUnknown(facts)
}

/** What a token endpoint says when it has refused (RFC 6749, 4.1.2.1 and 5.2). `server_error` proves nothing. */
const REFUSALS: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'temporarily_unavailable',
])

/** Whether it is open after an answer if upstream acted on the request. A gateway that ran out of time knows no refusal. */
function mayHaveActed({ status, code }: UpstreamFacts): boolean {
  if (status !== 504 && code !== undefined && REFUSALS.has(code)) return false
  return status === 408 || (status >= 500 && !INACTIVE.has(status)) || (status < 300 && code === 'server_error')
}

/**
 * Whether it is open what upstream did with a try that failed: the answer was lost, or a failing server or gateway answered,
 * which may have acted or passed the request on.
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
  const said = message.includes(call.operation) ? message : `${call.operation}: ${message}`
  const told = [
    `${said} Connection ${call.connection}, ${tries === 1 ? '1 try' : `${tries} tries`}.`,
    ...(why ? [`${why}.`] : []),
    ...(code === 'in_doubt' ? ['Upstream may have acted on it: look before asking again.'] : []),
    ...(retryAt === undefined ? [] : [`Ask again at ${iso(retryAt)} or later.`]),
  ]
  return new GuestpassError(code, told.join(' '), {
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(upstream ? { upstream } : {}),
    ...(cause === undefined ? {} : { cause }),
  })
}

function codeOf(facts: TryFacts, call: Call): ErrorCode {
  if (!call.repeatable && isOutcomeUnknown(facts)) return 'in_doubt'
  return facts.upstream?.status === 429 ? 'upstream_busy' : facts.code
}
