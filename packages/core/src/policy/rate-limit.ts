import { type Instant, type Millis, MINUTE, SECOND } from '../domain/time.ts'
import type { Lesson } from '../ports/store.ts'
import { LONGEST_HOLD, retryAfter } from './retry-after.ts'

/** What is read of an answer: its status and headers, their names in lower case. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** A refusal without any time in it holds everybody back this long, so that the bucket upstream can fill a little. */
const BARE_REFUSAL: Millis = SECOND
/** The limit is one of a minute, so that its count begins anew within minutes. A later reset is none. */
const LATEST_RESET: Millis = 5 * MINUTE

/**
 * What an answer teaches about the limit of its lane. Genesys Cloud says in every answer how many requests were counted,
 * how many are allowed in a minute, and in how many seconds the count begins anew (`inin-ratelimit-count`, `-allowed`,
 * `-reset`); a 429 says when to come back. Values that are not whole numbers, and resets later than 5 minutes, teach nothing. A
 * pause is an hour at most.
 */
export function rateLimit({ status, headers }: Answer, now: Instant): Lesson {
  const count = whole(headers['inin-ratelimit-count'])
  const allowed = whole(headers['inin-ratelimit-allowed']) || undefined
  const reset = whole(headers['inin-ratelimit-reset'])
  const spent = count !== undefined && allowed !== undefined && count >= allowed
  const untilReset = reset === undefined || reset * SECOND > LATEST_RESET ? undefined : reset * SECOND
  const told = status === 429 ? refusalPause(retryAfter(headers['retry-after'], now, headers['date']), untilReset) : 0
  const pauseMs = Math.min(Math.max(told, spent ? (untilReset ?? 0) : 0), LONGEST_HOLD)
  return { ...(pauseMs > 0 ? { pauseMs } : {}), ...(allowed === undefined ? {} : { perMinute: allowed }) }
}

const refusalPause = (told: Millis | undefined, untilReset: Millis | undefined): Millis =>
  told || untilReset || BARE_REFUSAL

const whole = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
