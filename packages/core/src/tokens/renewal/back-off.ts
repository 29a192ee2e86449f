import { backOffMs } from '../../domain/back-off.ts'
import type { BackOff } from '../../domain/credential.ts'
import { MAX_BACK_OFF } from '../../domain/plan.ts'
import { type Instant, type Millis, SECOND } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import { MAX_PAUSE } from '../../policy/retry-after.ts'

/**
 * Refusals of this library. Nothing was sent, so they are no failure of the upstream. They name the time of
 * the next try.
 */
const OWN_REFUSALS: ReadonlySet<string> = new Set(['circuit_open', 'upstream_busy'])

/**
 * The back-off after a failed renewal, for all callers: half to the whole of 1 s, doubled with every failure in
 * a row up to 5 minutes. It is never shorter than the upstream asked for, up to an hour. An open circuit or a
 * reached rate limit counts as no failure: the back-off lasts until the time that it names, and up to a second
 * more.
 *
 * @param retryInMs how long the error asks to wait, in milliseconds; 0 or less if it names no time
 * @param random at least 0, less than 1: 0 gives the longest back-off
 */
export function backOffAfter(
  error: GuestpassError,
  before: BackOff | undefined,
  now: Instant,
  retryInMs: Millis,
  random: number,
): BackOff {
  const { code, message } = error
  const isOwn = OWN_REFUSALS.has(code) && error.retryAt !== undefined
  const failures = isOwn ? Math.max(before?.failures ?? 0, 1) : (before?.failures ?? 0) + 1
  const askedMs = Math.min(Math.max(retryInMs, 0), MAX_PAUSE)
  const ms = isOwn
    ? askedMs + SECOND * random
    : Math.max(backOffMs({ failures, baseMs: SECOND, maxMs: MAX_BACK_OFF, jitter: 0.5 }, 1 - random), askedMs)
  return { until: now + ms, ms, failures, code, message }
}
