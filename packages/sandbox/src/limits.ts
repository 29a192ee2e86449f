import { z } from 'zod'

/** How many requests one access token may make. Beyond it the API answers 429. */
export interface Limit {
  /** Requests a minute, 1 to 1000000000. */
  readonly perMinute: number
  /**
   * The size of a token bucket that refills at `perMinute`, 1 to 1000000000. Without it, each window of a
   * minute allows `perMinute` requests.
   */
  readonly burst?: number | undefined
}

/** A limit from options or a control route. */
export const limitBody = z.strictObject(
  {
    perMinute: z.int().min(1).max(1e9),
    burst: z.int().min(1).max(1e9).optional(),
  },
  { error: ({ code }) => (code === 'invalid_type' ? 'an object as { perMinute: 300, burst: 20 }' : undefined) },
)

/** What one access token has used of its limit. Only `Limits.take` changes it. */
export interface RateLimitUsage {
  epoch: number
  /** Start of the window, or time of the last refill of the bucket, in milliseconds. */
  at: number
  used: number
}

/** The permit of one request, with the values of the `inin-ratelimit-*` headers. */
export interface Permit {
  readonly granted: boolean
  readonly count: number
  readonly allowed: number
  readonly resetSeconds: number
  /** Seconds after which a refused request is granted; at least 1. */
  readonly retryAfterSeconds: number
}

export interface Limits {
  newUsage(): RateLimitUsage
  take(usage: RateLimitUsage): Permit
  /** The permit of a request that counts for no access token, as one with an invalid token. */
  unlimitedPermit(): Permit
  /** Sets a new limit. Every access token starts again with nothing used. */
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
  // Refills are fractions: without the tolerance, a permit that is due at this millisecond can lack 1e-16.
  const granted = usage.used + 1 <= burst + 1e-9
  if (granted) usage.used += 1
  const left = Math.floor(burst - usage.used + 1e-9)
  const untilNext = seconds((usage.used + 1 - burst) / perMs)
  const allowed = Math.max(perMinute, burst)
  return {
    granted,
    // `allowed - count` is what is left now, also if the bucket holds less than the requests of a minute.
    count: allowed - left,
    allowed,
    resetSeconds: left === 0 ? untilNext : seconds(usage.used / perMs),
    retryAfterSeconds: untilNext,
  }
}

function seconds(ms: number): number {
  // The deduction corrects rounding of the fractions above. Retry-After is at least 1.
  return Math.max(1, Math.ceil(ms / 1000 - 1e-9))
}
