import { GuestpassError } from './errors.ts'
import { HOUR, type Instant, MINUTE, type Millis } from './time.ts'

/** How fast a lane may go, and what is asked of it now. */
export interface PermitAsk {
  readonly perMinute: number
  /** Requests that may go at once after a quiet time; at least 1. */
  readonly burst: number
  /** Permits wanted together; at least 1. */
  readonly permits: number
  /** Nothing is reserved when the wait for the first permit would be longer. */
  readonly maxWaitMs: Millis
}

export interface PermitAnswer {
  readonly granted: boolean
  /** Until the first permit may be used (granted) or until asking again may help (not granted). */
  readonly waitMs: Millis
  /** Between one permit and the next, when several were granted. */
  readonly intervalMs: Millis
}

/** What an upstream answer taught about a lane. */
export interface Lesson {
  /** Nobody sends for this long. */
  readonly pauseMs?: Millis
  /** Upstream allows only so many; remembered when lower than asked for. */
  readonly perMinute?: number
}

/**
 * What is remembered of a lane: a token bucket kept as the number of permits not yet paid back by time. Plain data, so
 * that a store can keep it as JSON.
 */
export interface Bucket {
  /** When `spent` was true. */
  readonly at: Instant
  /** Permits given and not yet paid back; fractional, at least 0. */
  readonly spent: number
  /** When it was last written; absent in rows of before: `at`. */
  readonly writtenAt?: Instant
  /** When the latest permit that was given may be used. */
  readonly lastAt?: Instant
  /** When the latest pause ends or ended. */
  readonly resumeAt?: Instant
  /** What upstream allows, when it said so. */
  readonly perMinute?: number
  /** When it said so last; absent in rows of before: when such a row is next read. */
  readonly learnedAt?: Instant
}

/** A limit that upstream does not repeat for so long holds no longer: one odd answer must not slow a connection for ever. */
export const LEARNED_FOR: Millis = HOUR

const fresh = (now: Instant): Bucket => ({ at: now, spent: 0 })

/**
 * The bucket as it is written now. A clock that went back makes no time pass: all that was planned keeps the distance that it had
 * when it was written, so that a pause by a clock that was ahead is no longer than it was.
 */
function rebased(bucket: Bucket, now: Instant): Bucket {
  const back = Math.max(bucket.at, bucket.writtenAt ?? bucket.at) - now
  const learned = bucket.perMinute === undefined ? {} : { learnedAt: (bucket.learnedAt ?? now) - Math.max(back, 0) }
  if (back <= 0) return { ...bucket, ...learned, writtenAt: now }
  return {
    ...bucket,
    ...learned,
    at: bucket.at - back,
    writtenAt: now,
    ...(bucket.lastAt === undefined ? {} : { lastAt: bucket.lastAt - back }),
    ...(bucket.resumeAt === undefined ? {} : { resumeAt: bucket.resumeAt - back }),
  }
}

/** The slower of what is asked for and what upstream said within `LEARNED_FOR`. */
const slowest = (asked: number, { perMinute = asked, learnedAt = 0 }: Bucket, now: Instant): number =>
  now - learnedAt < LEARNED_FOR ? Math.min(asked, perMinute) : asked

/** Permits that count as spent now, for a lane that gives one every `interval`. */
function outstanding(bucket: Bucket, burst: number, interval: Millis, now: Instant): number {
  const paidBack = bucket.spent - (now - bucket.at) / interval
  // Behind whoever waits already, also when the rate has changed since.
  const queued = bucket.lastAt !== undefined && bucket.lastAt > now ? burst + (bucket.lastAt - now) / interval : 0
  // A pause ends with an empty bucket: upstream has just refused, a burst would be refused again.
  const paused = bucket.resumeAt === undefined ? 0 : burst - 1 + (bucket.resumeAt - now) / interval
  return Math.max(0, paidBack, queued, paused)
}

/** Asks a bucket for permits. The bucket that comes back is to be remembered, also when nothing was granted. */
export function reserved(
  known: Bucket | undefined,
  ask: PermitAsk,
  now: Instant,
): { readonly answer: PermitAnswer; readonly bucket: Bucket } {
  refuseBadAsk(ask)
  const bucket = rebased(known ?? fresh(now), now)
  const interval = MINUTE / slowest(ask.perMinute, bucket, now)
  const spent = outstanding(bucket, ask.burst, interval, now)
  const waitFor = (nth: number): Millis => Math.max(0, spent + nth - ask.burst) * interval
  const first = waitFor(1)
  if (first > ask.maxWaitMs) {
    return { answer: { granted: false, waitMs: first - ask.maxWaitMs, intervalMs: 0 }, bucket }
  }
  // Evenly from the first to the last: never before its turn, because the turns of single permits are convex.
  const last = waitFor(ask.permits)
  const intervalMs = ask.permits === 1 ? 0 : (last - first) / (ask.permits - 1)
  return {
    answer: { granted: true, waitMs: first, intervalMs },
    bucket: { ...bucket, at: now, spent: spent + ask.permits, lastAt: now + last },
  }
}

/** The bucket after an upstream answer. A pause never shortens one that stands; of two limits the later lesson holds. */
export function taught(known: Bucket | undefined, lesson: Lesson, now: Instant): Bucket {
  refuseBadLesson(lesson)
  const bucket = rebased(known ?? fresh(now), now)
  return {
    ...bucket,
    ...(lesson.perMinute === undefined ? {} : { perMinute: lesson.perMinute, learnedAt: now }),
    ...(lesson.pauseMs === undefined ? {} : { resumeAt: Math.max(bucket.resumeAt ?? now, now + lesson.pauseMs) }),
  }
}

function refuse(field: string, message: string, remedy: string): never {
  throw new GuestpassError('invalid_input', `${field}: ${message}. ${remedy}`, {
    fields: [{ field, message, remedy }],
  })
}

function refuseBadAsk(ask: PermitAsk): void {
  if (!(ask.perMinute > 0)) refuse('perMinute', 'must be more than 0', 'Give a rate in requests per minute.')
  if (!(ask.burst >= 1)) refuse('burst', 'must be at least 1', 'Give the number of requests that may go at once.')
  if (!(ask.permits >= 1)) refuse('permits', 'must be at least 1', 'Ask for one permit or more.')
  if (!(ask.maxWaitMs >= 0)) refuse('maxWaitMs', 'must be at least 0', 'Give milliseconds, 0 for no wait.')
}

function refuseBadLesson(lesson: Lesson): void {
  const { pauseMs = 0, perMinute = 1 } = lesson
  if (!(pauseMs >= 0 && pauseMs < Number.POSITIVE_INFINITY))
    refuse('pauseMs', 'must be 0 or more', 'Give milliseconds.')
  if (!(perMinute > 0)) refuse('perMinute', 'must be more than 0', 'Give a rate in requests per minute.')
}
