import { GuestpassError } from './errors.ts'
import { HOUR, type Instant, MINUTE, type Millis } from './time.ts'

/** Asks a bucket for permits. */
export interface PermitRequest {
  /** Requests a minute that the limit allows, more than 0. */
  readonly perMinute: number
  /** The size of the bucket: requests that may be sent at once after a quiet time. At least 1. */
  readonly burst: number
  /** Permits to reserve together; at least 1. */
  readonly permits: number
  /** Nothing is reserved if the wait for the first permit would be longer. Milliseconds, at least 0. */
  readonly maxWaitMs: Millis
}

/** The answer of a bucket to a request for permits. */
export interface PermitAnswer {
  /** Whether the permits were reserved. */
  readonly granted: boolean
  /**
   * Milliseconds until the first permit may be used. If none was reserved: milliseconds until the same request
   * can be granted, unless other callers reserve permits meanwhile.
   */
  readonly waitMs: Millis
  /** Milliseconds between one permit and the next; 0 for a single one, and if none was reserved. */
  readonly intervalMs: Millis
  /**
   * The limit that the upstream named, in requests a minute, while it holds and is lower than the requested rate.
   * From it a caller learns that a limit which another process was named has changed. Absent: no such limit.
   */
  readonly namedPerMinute?: number
}

/** What an answer of the upstream says of its rate limit. */
export interface RateLimitFeedback {
  /** No permit may be used before this time has passed. Milliseconds, at least 0 and finite. Default: no pause. */
  readonly pauseMs?: Millis
  /**
   * Requests a minute that the upstream allows, more than 0. For an hour, the lower of this limit and
   * `PermitRequest.perMinute` applies. Default: an earlier limit stays.
   */
  readonly perMinute?: number
}

/** What a bucket allows now. */
export interface RateLimitState {
  /** Requests a minute: the lower of the requested rate and the one that the upstream named. */
  readonly perMinute: number
  /** Since when the upstream names `perMinute`. Absent if the requested rate applies. */
  readonly namedSince?: Instant
  /** Milliseconds until the next request may be sent; 0: now. */
  readonly waitMs: Millis
  /** Milliseconds until the pause ends that the upstream asked for; 0: no pause. */
  readonly pauseMs: Millis
}

/**
 * State of a rate limit: a token bucket, which counts the permits that were reserved and not refilled since.
 * Plain data, so that a store can keep it as JSON.
 */
export interface Bucket {
  /** The time at which `spent` was counted. */
  readonly at: Instant
  /** Permits that were reserved, and not refilled by `at`; fractional, at least 0. */
  readonly spent: number
  /** When the bucket was last written. Rows of earlier versions lack it; `at` is used for them. */
  readonly writtenAt?: Instant
  /** When the latest reserved permit may be used. */
  readonly lastAt?: Instant
  /**
   * When the latest permit that had to wait may be used, which leaves the bucket empty. A time, because the wait
   * stays what it was if the rate changes. Rows of earlier versions lack it.
   */
  readonly emptyAt?: Instant
  /** When the latest pause ends or ended. */
  readonly resumeAt?: Instant
  /** Requests a minute that the upstream allows, if it named a limit. */
  readonly perMinute?: number
  /** When the upstream last named `perMinute`. Rows of earlier versions lack it until they are next written. */
  readonly learnedAt?: Instant
  /** Since when the upstream names `perMinute` without another limit in between. Rows of earlier versions lack it. */
  readonly namedSince?: Instant
}

/**
 * A limit lapses if the upstream does not repeat it for an hour: one wrong answer must not slow a connection
 * for ever.
 */
export const FEEDBACK_LIFETIME: Millis = HOUR

const fresh = (now: Instant): Bucket => ({ at: now, spent: 0 })

/**
 * Moves the times of a bucket to a clock that went back. Each of them keeps its distance from the last write,
 * so that no time passes, and a pause that a clock ahead has written is no longer than it was.
 */
function rebased(bucket: Bucket, now: Instant): Bucket {
  const back = Math.max(bucket.at, bucket.writtenAt ?? bucket.at) - now
  const learned = bucket.perMinute === undefined ? {} : learnedTimes(bucket, now, Math.max(back, 0))
  if (back <= 0) return { ...bucket, ...learned, writtenAt: now }
  return {
    ...bucket,
    ...learned,
    at: bucket.at - back,
    writtenAt: now,
    ...(bucket.lastAt === undefined ? {} : { lastAt: bucket.lastAt - back }),
    ...(bucket.emptyAt === undefined ? {} : { emptyAt: bucket.emptyAt - back }),
    ...(bucket.resumeAt === undefined ? {} : { resumeAt: bucket.resumeAt - back }),
  }
}

function learnedTimes(
  { learnedAt, namedSince }: Bucket,
  now: Instant,
  back: Millis,
): Pick<Bucket, 'learnedAt' | 'namedSince'> {
  const learned = { learnedAt: (learnedAt ?? now) - back }
  return namedSince === undefined ? learned : { ...learned, namedSince: namedSince - back }
}

/** The lower of the requested rate and the one that the upstream named within `FEEDBACK_LIFETIME`. */
const effectiveRate = (asked: number, { perMinute = asked, learnedAt = 0 }: Bucket, now: Instant): number =>
  now - learnedAt < FEEDBACK_LIFETIME ? Math.min(asked, perMinute) : asked

/** Permits that count as spent now, at one permit every `interval`. */
function spentNow(bucket: Bucket, burst: number, interval: Millis, now: Instant): number {
  const paidBack = bucket.spent - (now - bucket.at) / interval
  // Processes of earlier versions write `lastAt` alone. While it is to come, `emptyAt` of this version is the same.
  const queued = bucket.lastAt !== undefined && bucket.lastAt > now ? burst + (bucket.lastAt - now) / interval : 0
  // Behind the callers that wait already, also if the rate has changed since.
  const emptied = bucket.emptyAt === undefined ? 0 : burst + (bucket.emptyAt - now) / interval
  // A pause ends with an empty bucket: the upstream has just refused, and would refuse a burst.
  const paused = bucket.resumeAt === undefined ? 0 : burst - 1 + (bucket.resumeAt - now) / interval
  return Math.max(0, paidBack, queued, emptied, paused)
}

/**
 * Reserves permits in a bucket. A store reads the bucket, calls this and writes the result in one transaction.
 *
 * @param known the stored bucket; undefined for a new one
 * @param now the store's time
 * @returns the answer, and the bucket to store, also if nothing was reserved
 * @throws `invalid_input` for a request out of range
 */
export function reservePermits(
  known: Bucket | undefined,
  request: PermitRequest,
  now: Instant,
): { readonly answer: PermitAnswer; readonly bucket: Bucket } {
  checkRequest(request)
  const bucket = rebased(known ?? fresh(now), now)
  const rate = effectiveRate(request.perMinute, bucket, now)
  const interval = MINUTE / rate
  const named = rate < request.perMinute ? { namedPerMinute: rate } : {}
  const spent = spentNow(bucket, request.burst, interval, now)
  const waitFor = (nth: number): Millis => Math.max(0, spent + nth - request.burst) * interval
  const first = waitFor(1)
  if (first > request.maxWaitMs) {
    return { answer: { granted: false, waitMs: first - request.maxWaitMs, intervalMs: 0, ...named }, bucket }
  }
  // Even intervals from the first to the last: no permit comes too early, because the times of single ones
  // are convex.
  const last = waitFor(request.permits)
  const intervalMs = request.permits === 1 ? 0 : (last - first) / (request.permits - 1)
  return {
    answer: { granted: true, waitMs: first, intervalMs, ...named },
    bucket: {
      ...bucket,
      at: now,
      // What is spent beyond the burst is a wait.
      spent: Math.min(spent + request.permits, request.burst),
      lastAt: now + last,
      ...(last > 0 ? { emptyAt: now + last } : {}),
    },
  }
}

/**
 * Reads what a bucket allows now, and reserves nothing.
 *
 * @param known the stored bucket; undefined for a new one
 * @param limit the rate and the size of the bucket, as in a request for permits
 * @param now the store's time
 * @returns the rate, and how long the next request waits
 * @throws `invalid_input` for a limit out of range
 */
export function rateLimitState(
  known: Bucket | undefined,
  limit: Pick<PermitRequest, 'perMinute' | 'burst'>,
  now: Instant,
): RateLimitState {
  const request = { ...limit, permits: 1, maxWaitMs: Number.POSITIVE_INFINITY }
  const { answer, bucket } = reservePermits(known, request, now)
  const { waitMs, namedPerMinute } = answer
  const { resumeAt = now, learnedAt, namedSince = learnedAt } = bucket
  const isNamed = namedPerMinute !== undefined && namedSince !== undefined
  return {
    perMinute: namedPerMinute ?? limit.perMinute,
    ...(isNamed ? { namedSince } : {}),
    waitMs,
    pauseMs: Math.max(0, resumeAt - now),
  }
}

/**
 * Applies an answer of the upstream to a bucket. A pause never shortens an earlier one. A later limit replaces
 * an earlier one.
 *
 * @param known the stored bucket; undefined for a new one
 * @param now the store's time
 * @returns the bucket to store
 * @throws `invalid_input` for feedback out of range
 */
export function applyFeedback(known: Bucket | undefined, feedback: RateLimitFeedback, now: Instant): Bucket {
  checkFeedback(feedback)
  const bucket = rebased(known ?? fresh(now), now)
  return {
    ...bucket,
    ...(feedback.perMinute === undefined ? {} : namedLimit(bucket, feedback.perMinute, now)),
    ...(feedback.pauseMs === undefined ? {} : { resumeAt: Math.max(bucket.resumeAt ?? now, now + feedback.pauseMs) }),
  }
}

function namedLimit(
  { perMinute: before, learnedAt = 0, namedSince = learnedAt }: Bucket,
  perMinute: number,
  now: Instant,
): Pick<Bucket, 'perMinute' | 'learnedAt' | 'namedSince'> {
  const isSame = before === perMinute && now - learnedAt < FEEDBACK_LIFETIME
  return { perMinute, learnedAt: now, namedSince: isSame ? namedSince : now }
}

function refuse(field: string, message: string, remedy: string): never {
  throw new GuestpassError('invalid_input', `${field}: ${message}. ${remedy}`, {
    fields: [{ field, message, remedy }],
  })
}

function checkRequest(request: PermitRequest): void {
  if (!(request.perMinute > 0)) refuse('perMinute', 'must be more than 0', 'Give a rate in requests per minute.')
  if (!(request.burst >= 1)) refuse('burst', 'must be at least 1', 'Give the number of requests that may go at once.')
  if (!(request.permits >= 1)) refuse('permits', 'must be at least 1', 'Ask for one permit or more.')
  if (!(request.maxWaitMs >= 0)) refuse('maxWaitMs', 'must be at least 0', 'Give milliseconds, 0 for no wait.')
}

function checkFeedback(feedback: RateLimitFeedback): void {
  const { pauseMs = 0, perMinute = 1 } = feedback
  if (!(pauseMs >= 0 && pauseMs < Number.POSITIVE_INFINITY))
    refuse('pauseMs', 'must be 0 or more', 'Give milliseconds.')
  if (!(perMinute > 0)) refuse('perMinute', 'must be more than 0', 'Give a rate in requests per minute.')
}
