/** Peers of P5 that pace calls in memory, set as their documents say for so many calls in an interval. */
import Bottleneck from 'bottleneck'
import pThrottle from 'p-throttle'
import { RateLimiterMemory, RateLimiterQueue } from 'rate-limiter-flexible'

/** Gets one guest's token. */
export type Issue = (guestId: string) => Promise<string>

/** What upstream allows: so many calls in so many milliseconds. */
export interface Pace {
  readonly limit: number
  readonly intervalMs: number
}

/** Its retry is the documented one: once, here after what Retry-After says. `waitMs`: how long after an error; undefined: not at all. */
export function withBottleneck(
  issue: Issue,
  { limit, intervalMs }: Pace,
  waitMs: (thrown: unknown) => number | undefined,
): Issue {
  const limiter = new Bottleneck({
    reservoir: limit,
    reservoirRefreshAmount: limit,
    reservoirRefreshInterval: intervalMs,
    minTime: Math.floor(intervalMs / limit),
  })
  limiter.on('failed', async (error, { retryCount }) => (retryCount === 0 ? waitMs(error) : undefined))
  return (guestId) => limiter.schedule(() => issue(guestId))
}

export const withPThrottle = (issue: Issue, { limit, intervalMs }: Pace): Issue =>
  pThrottle({ limit, interval: intervalMs })(issue)

export function withRateLimiterFlexible(issue: Issue, { limit, intervalMs }: Pace): Issue {
  const queue = new RateLimiterQueue(new RateLimiterMemory({ points: limit, duration: intervalMs / 1_000 }))
  return async (guestId) => {
    await queue.removeTokens(1)
    return issue(guestId)
  }
}
