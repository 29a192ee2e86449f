import { type Instant, type Millis, MINUTE, SECOND } from '../domain/time.ts'
import type { RateLimitFeedback } from '../ports/store.ts'
import type { Answer } from './pipeline.ts'
import { MAX_PAUSE, retryAfter } from './retry-after.ts'

/** The pause after a refusal that names no time, so that the bucket of the upstream can fill a little. */
const DEFAULT_PAUSE: Millis = SECOND
/** The limit is one of a minute, so that its count begins anew within minutes. A later reset is a mistake. */
const LATEST_RESET: Millis = 5 * MINUTE

/**
 * Reads what an answer says of the rate limit. Genesys Cloud says in every answer how many requests were
 * counted, how many are allowed in a minute, and in how many seconds the count begins anew
 * (`inin-ratelimit-count`, `-allowed`, `-reset`). A 429 says when to come back.
 *
 * @param now the wall clock when the answer came
 * @returns the limit and the pause, each absent if the answer does not name it. Values that are not whole
 *   numbers, and resets later than 5 minutes, are ignored. A pause is an hour at most.
 */
export function rateLimitFeedback({ status, headers }: Answer, now: Instant): RateLimitFeedback {
  const count = wholeNumber(headers['inin-ratelimit-count'])
  const perMinute = wholeNumber(headers['inin-ratelimit-allowed']) || undefined
  const untilReset = resetMs(wholeNumber(headers['inin-ratelimit-reset']))
  const isUsedUp = count !== undefined && perMinute !== undefined && count >= perMinute
  const refusalMs =
    status === 429 ? retryAfter(headers['retry-after'], now, headers['date']) || untilReset || DEFAULT_PAUSE : 0
  const pauseMs = Math.min(Math.max(refusalMs, isUsedUp ? (untilReset ?? 0) : 0), MAX_PAUSE)
  return { ...(pauseMs > 0 ? { pauseMs } : {}), ...(perMinute === undefined ? {} : { perMinute }) }
}

const resetMs = (seconds: number | undefined): Millis | undefined =>
  seconds === undefined || seconds * SECOND > LATEST_RESET ? undefined : seconds * SECOND

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
