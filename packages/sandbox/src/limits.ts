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

/** What one access token has used of its limit. Only `limits` changes it. */
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
  take(usage: RateLimitUsage): Permit
  /** The limits of an answer that counts for no access token, as one to a token that is not valid. */
  unlimitedPermit(): Permit
  /** Sets new limits. Every access token starts again with nothing used. */
  readonly set: (limit: Limit) => void
  current(): Limit
}

const WINDOW_MS = 60_000

export function createLimits(initial: Limit, now: () => number): Limits {
  let limit = initial
  let epoch = 0
  const fresh = (usage: RateLimitUsage, at: number): void => {
    usage.epoch = epoch
    usage.at = at
    usage.used = 0
  }
  return {
    newUsage: () => ({ epoch, at: now(), used: 0 }),
    take: (usage) => {
      const at = now()
      if (usage.epoch !== epoch || at < usage.at) fresh(usage, at)
      return limit.burst === undefined
        ? fromWindow(usage, at, limit.perMinute)
        : fromBucket(usage, at, limit, limit.burst)
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

function fromWindow(usage: RateLimitUsage, at: number, perMinute: number): Permit {
  if (usage.used === 0 || at >= usage.at + WINDOW_MS) {
    usage.at = at
    usage.used = 0
  }
  const granted = usage.used < perMinute
  if (granted) usage.used += 1
  const wait = seconds(usage.at + WINDOW_MS - at)
  return { granted, count: usage.used, allowed: perMinute, resetSeconds: wait, retryAfterSeconds: wait }
}

function fromBucket(usage: RateLimitUsage, at: number, { perMinute }: Limit, burst: number): Permit {
  const perMs = perMinute / WINDOW_MS
  usage.used = Math.max(0, usage.used - (at - usage.at) * perMs)
  usage.at = at
  // Refills are fractions: without the allowance a permit due at this very millisecond can be missing 1e-16.
  const granted = usage.used + 1 <= burst + 1e-9
  if (granted) usage.used += 1
  const left = Math.floor(burst - usage.used + 1e-9)
  const untilNext = seconds((usage.used + 1 - burst) / perMs)
  const allowed = Math.max(perMinute, burst)
  return {
    granted,
    // "allowed minus count" is what is left right now, also where the bucket is smaller than a minute's worth.
    count: allowed - left,
    allowed,
    resetSeconds: left === 0 ? untilNext : seconds(usage.used / perMs),
    retryAfterSeconds: untilNext,
  }
}

function seconds(ms: number): number {
  // The tiny deduction undoes rounding in the fractions above; 1 is the least that Retry-After can say.
  return Math.max(1, Math.ceil(ms / 1000 - 1e-9))
}
