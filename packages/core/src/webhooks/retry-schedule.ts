import { DAY, HOUR, MINUTE, type Millis, SECOND } from '../domain/time.ts'

/** What lies between one try and the next, as the Standard Webhooks specification advises: 75 h 35 min in all. */
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
/** The part of a wait by which it may be longer, so that what failed together does not come back together. */
const SPREAD = 0.1
/** Whoever asks to be left alone for longer is taken to mean this. */
const LONGEST: Millis = 7 * DAY

/** Tries of one delivery; after the last one it is a dead letter. */
export const MAX_ATTEMPTS = WAITS.length + 1

/** A wait, and up to a tenth more. `random`: at least 0, less than 1. */
export const withJitter = (ms: Millis, random: number): Millis => ms * (1 + SPREAD * random)

/**
 * How long after a failed try the next one comes; undefined after the last. Never earlier than the endpoint asked for.
 *
 * @param tried tries before the one that failed, from 0
 * @param askedMs what its Retry-After said
 */
export function nextAttemptInMs(tried: number, askedMs: Millis | undefined, random: number): Millis | undefined {
  const wait = WAITS[tried]
  return wait === undefined ? undefined : withJitter(Math.max(wait, Math.min(askedMs ?? 0, LONGEST)), random)
}
