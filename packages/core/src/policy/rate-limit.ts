import { DAY, type Instant, type Millis, SECOND } from '../domain/time.ts'
import type { Lesson } from '../ports/store.ts'
import { retryAfter } from './retry-after.ts'

/** What is read of an answer: its status and headers, their names in lower case. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** A refusal without any time in it holds everybody back this long, so that the bucket upstream can fill a little. */
const BARE_REFUSAL: Millis = SECOND
/** A lane is not paused longer in one go: what was a mistake upstream must not silence it for a year. */
const LONGEST_PAUSE: Millis = DAY

/**
 * What an answer teaches about the limit of its lane. Genesys Cloud says in every answer how many requests were counted,
 * how many are allowed in a minute, and in how many seconds the count begins anew (`inin-ratelimit-count`, `-allowed`,
 * `-reset`); a 429 says when to come back. Values that are not whole numbers teach nothing.
 */
export function rateLimit({ status, headers }: Answer, now: Instant): Lesson {
  const count = whole(headers['inin-ratelimit-count'])
  const allowed = whole(headers['inin-ratelimit-allowed']) || undefined
  const reset = whole(headers['inin-ratelimit-reset'])
  const spent = count !== undefined && allowed !== undefined && count >= allowed
  const untilReset = reset === undefined ? undefined : reset * SECOND
  const told = status === 429 ? refusalPause(retryAfter(headers['retry-after'], now, headers['date']), untilReset) : 0
  const pauseMs = Math.min(Math.max(told, spent ? (untilReset ?? 0) : 0), LONGEST_PAUSE)
  return { ...(pauseMs > 0 ? { pauseMs } : {}), ...(allowed === undefined ? {} : { perMinute: allowed }) }
}

const refusalPause = (told: Millis | undefined, untilReset: Millis | undefined): Millis =>
  told || untilReset || BARE_REFUSAL

const whole = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
