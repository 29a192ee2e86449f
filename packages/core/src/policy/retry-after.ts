import { DAY, HOUR, type Instant, type Millis, SECOND } from '../domain/time.ts'
import { httpDate } from './http-date.ts'

/** The longest wait that an answer can ask for, in milliseconds. A longer one counts as this. */
export const MAX_RETRY_AFTER: Millis = 365 * DAY

/**
 * The longest time that one answer holds back other calls, in milliseconds: one wrong header must not stop a
 * connection for a day. Reason: docs/decisions/0021-one-odd-header.md.
 */
export const MAX_PAUSE: Millis = HOUR

/**
 * Reads a Retry-After header (RFC 9110, 10.2.3): seconds, also with a fraction, or an HTTP date in one of its
 * three grammars.
 *
 * @param now the wall clock when the answer came. It is used if the answer has no readable Date header
 * @param date the Date header of the same answer, so that a difference between the two clocks does not count
 * @returns 0 to 365 days in milliseconds; 0 for a date that has passed; undefined for anything else, as a
 *   negative delay
 */
export function retryAfter(value: string | undefined, now: Instant, date?: string): Millis | undefined {
  const text = value?.trim() ?? ''
  if (/^\d+(?:\.\d+)?$/.test(text)) return clamped(Number(text) * SECOND)
  const at = httpDate(text, now)
  if (at === undefined) return undefined
  const answeredAt = date === undefined ? undefined : httpDate(date.trim(), now)
  return clamped(at - (answeredAt ?? now))
}

const clamped = (ms: number): Millis => Math.min(Math.max(ms, 0), MAX_RETRY_AFTER)
