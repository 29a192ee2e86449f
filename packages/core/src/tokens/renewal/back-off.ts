import type { BackOff } from '../../domain/credential.ts'
import { MAX_BACK_OFF } from '../../domain/plan.ts'
import { type Instant, type Millis, SECOND } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import { MAX_PAUSE } from '../../policy/retry-after.ts'

const FIRST: Millis = SECOND

/** Refusals of our own: nothing was sent, so they say nothing new of upstream, and come with the time to ask again. */
const OWN: ReadonlySet<string> = new Set(['circuit_open', 'upstream_busy'])

/**
 * How long nobody tries again after a failed renewal: from 1 second, doubled with every failure in a row up to 5 minutes,
 * of which `luck` in [0, 1) takes up to half away; never less than upstream told (`retryInMs`), up to an hour. A circuit that is open or a
 * limit that is reached adds nothing: it rests until the time named, and up to a second more.
 */
export function backOffAfter(
  error: GuestpassError,
  before: BackOff | undefined,
  now: Instant,
  retryInMs: Millis,
  luck: number,
): BackOff {
  const { code, message } = error
  const own = OWN.has(code) && error.retryAt !== undefined
  const failures = own ? Math.max(before?.failures ?? 0, 1) : (before?.failures ?? 0) + 1
  const wait = Math.min(FIRST * 2 ** (failures - 1), MAX_BACK_OFF) * (1 - luck / 2)
  const told = Math.min(Math.max(retryInMs, 0), MAX_PAUSE)
  const ms = own ? told + SECOND * luck : Math.max(wait, told)
  return { until: now + ms, ms, failures, code, message }
}
