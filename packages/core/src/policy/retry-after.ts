import { DAY, HOUR, type Instant, type Millis, SECOND } from '../domain/time.ts'
import { httpDate } from './http-date.ts'

/** The longest wait that is read out of an answer; whoever says more is taken to mean this. */
export const MAX_RETRY_AFTER: Millis = 365 * DAY

/**
 * The longest that one answer holds back calls other than the one that got it: a mistake upstream must not silence a connection for a
 * day. Why: docs/decisions/0021-one-odd-header.md.
 */
export const MAX_PAUSE: Millis = HOUR

/**
 * How long a Retry-After header (RFC 9110, 10.2.3) says to wait: 0 to 365 days, in milliseconds. Delays in seconds are read,
 * also with a fraction; so are the three grammars of HTTP dates, a date that has passed being 0. Everything else, a negative
 * delay among it, says nothing: undefined.
 *
 * @param now the wall clock when the answer came; stands in when the answer has no readable Date header
 * @param date the Date header of the same answer, so that a difference between the two clocks does not count
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
