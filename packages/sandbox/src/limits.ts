import { z } from 'zod'

/** How many requests one access token may make. */
export interface Limit {
  /** Requests a minute; a whole number from 1. */
  readonly perMinute: number
  /** With it, a bucket of this size refilled at `perMinute`; without it, `perMinute` requests in each window of a minute. */
  readonly burst?: number | undefined
}

/** A Limit that comes from outside. */
export const limitBody = z.strictObject({
  perMinute: z.int().min(1).max(1e9),
  burst: z.int().min(1).max(1e9).optional(),
})

/** What one access token has used up. Belongs to `limits`; holders only keep it. */
export interface RateLimitUsage {
  epoch: number
  /** Start of the window, or when the bucket was last brought up to date. */
  at: number
  used: number
}

/** The answer to one request, as the `inin-ratelimit-*` headers tell it. */
export interface Permit {
  readonly granted: boolean
  readonly count: number
  readonly allowed: number
  readonly resetSeconds: number
  /** Seconds after which a refused request will pass; at least 1. */
  readonly retryAfterSeconds: number
}

export interface Limits {
  newUsage(): RateLimitUsage
  take(lane: RateLimitUsage): Permit
  /** What an answer says that counts on no lane, as one without a valid access token. */
  unlimitedPermit(): Permit
  /** New limits for every lane, each with a clean slate. */
  readonly set: (limit: Limit) => void
  current(): Limit
}

const WINDOW = 60_000

export function createLimits(initial: Limit, now: () => number): Limits {
  let limit = initial
  let epoch = 0
  const fresh = (lane: RateLimitUsage, at: number): void => {
    lane.epoch = epoch
    lane.at = at
    lane.used = 0
  }
  return {
    newUsage: () => ({ epoch, at: now(), used: 0 }),
    take: (lane) => {
      const at = now()
      if (lane.epoch !== epoch || at < lane.at) fresh(lane, at)
      return limit.burst === undefined
        ? fromWindow(lane, at, limit.perMinute)
        : fromBucket(lane, at, limit, limit.burst)
    },
    unlimitedPermit: () => ({
      granted: true,
      count: 0,
      allowed: limit.perMinute,
      resetSeconds: 60,
      retryAfterSeconds: 1,
    }),
    set: (next) => {
      limit = next
      epoch += 1
    },
    current: () => limit,
  }
}

function fromWindow(lane: RateLimitUsage, at: number, perMinute: number): Permit {
  if (lane.used === 0 || at >= lane.at + WINDOW) {
    lane.at = at
    lane.used = 0
  }
  const granted = lane.used < perMinute
  if (granted) lane.used += 1
  const wait = seconds(lane.at + WINDOW - at)
  return { granted, count: lane.used, allowed: perMinute, resetSeconds: wait, retryAfterSeconds: wait }
}

function fromBucket(lane: RateLimitUsage, at: number, { perMinute }: Limit, burst: number): Permit {
  const perMs = perMinute / WINDOW
  lane.used = Math.max(0, lane.used - (at - lane.at) * perMs)
  lane.at = at
  // Refills are fractions: without the allowance a permit due at this very millisecond can be missing 1e-16.
  const granted = lane.used + 1 <= burst + 1e-9
  if (granted) lane.used += 1
  const left = Math.floor(burst - lane.used + 1e-9)
  const untilNext = seconds((lane.used + 1 - burst) / perMs)
  const allowed = Math.max(perMinute, burst)
  return {
    granted,
    // "allowed minus count" is what is left right now, also where the bucket is smaller than a minute's worth.
    count: allowed - left,
    allowed,
    resetSeconds: left === 0 ? untilNext : seconds(lane.used / perMs),
    retryAfterSeconds: untilNext,
  }
}

function seconds(ms: number): number {
  // The tiny deduction undoes rounding in the fractions above; 1 is the least that Retry-After can say.
  return Math.max(1, Math.ceil(ms / 1000 - 1e-9))
}
