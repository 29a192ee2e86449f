import { withSpread } from '../domain/back-off.ts'
import { DAY, HOUR, MINUTE, type Millis, SECOND } from '../domain/time.ts'

/** The waits between attempts, by the Standard Webhooks specification: 75 h 35 min in all. */
const WAITS: readonly Millis[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]
/** A longer Retry-After counts as this. */
const LONGEST: Millis = 7 * DAY

/** How many attempts a delivery has; after the last one it is a dead letter. */
export const MAX_ATTEMPTS = WAITS.length + 1

/**
 * How long after a failed attempt the next one follows, in milliseconds; undefined after the last one. It is
 * never earlier than the endpoint asked for.
 *
 * @param attempts how many attempts came before the one that failed, from 0
 * @param retryAfterMs the wait of its Retry-After, in milliseconds
 * @param random at least 0, less than 1
 */
export function nextAttemptInMs(
  attempts: number,
  retryAfterMs: Millis | undefined,
  random: number,
): Millis | undefined {
  const wait = WAITS[attempts]
  return wait === undefined ? undefined : withSpread(Math.max(wait, Math.min(retryAfterMs ?? 0, LONGEST)), random)
}
