import type { BackOff } from '../domain/credential.ts'
import { type Instant, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import type { GuestpassError } from '../errors.ts'

const FIRST: Millis = SECOND
const LONGEST: Millis = 5 * MINUTE

/**
 * How long nobody tries again after a failed renewal: from 1 second, doubled with every failure in a row up to 5 minutes,
 * of which `luck` in [0, 1) takes up to half away; never less than upstream told (`retryInMs`).
 */
export function backOffAfter(
  error: GuestpassError,
  before: BackOff | undefined,
  now: Instant,
  retryInMs: Millis,
  luck: number,
): BackOff {
  const failures = (before?.failures ?? 0) + 1
  const wait = Math.min(FIRST * 2 ** (failures - 1), LONGEST) * (1 - luck / 2)
  return { until: now + Math.max(wait, retryInMs), failures, code: error.code, message: error.message }
}
