import type { Clock } from '@guestpass/core'
import { createMeters, type Http, stopwatch } from '@guestpass/core/runtime-kit'

/** What the upstream did with the requests since `reset`. */
export interface UpstreamFigures {
  readonly requests: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers with status 429. */
  readonly rateLimited: number
  /** The requests a minute that the upstream allows, as its answers say. Absent if they do not. */
  readonly allowedPerMinute?: number
  /** Answers with a status from 500 on, and requests without an answer. */
  readonly failed: number
}

/** An HTTP port that counts and times requests. */
export interface MeasuredHttp {
  readonly http: Http
  readonly figures: () => UpstreamFigures
  readonly reset: () => void
}

/** Creates an HTTP port that sends by another one, and measures it. */
export function createMeasuredHttp(send: Http, clock: Clock): MeasuredHttp {
  let meters = createMeters()
  let allowed: number | undefined
  return {
    async http(request, signal) {
      const elapsed = stopwatch(clock)
      const own = meters
      try {
        const answer = await send(request, signal)
        allowed = Number(answer.headers['inin-ratelimit-allowed']) || allowed
        if (answer.status === 429) own.count('limited')
        if (answer.status >= 500) own.count('failed')
        return answer
      } catch (thrown) {
        if (!signal.aborted) own.count('failed')
        throw thrown
      } finally {
        own.time('request', elapsed())
      }
    },
    figures() {
      const timed = meters.timed('request')
      return {
        requests: timed.count,
        p50Ms: tenths(timed.quantile(0.5)),
        p99Ms: tenths(timed.quantile(0.99)),
        rateLimited: meters.counted('limited'),
        ...(allowed === undefined ? {} : { allowedPerMinute: allowed }),
        failed: meters.counted('failed'),
      }
    },
    reset: () => void (meters = createMeters()),
  }
}

/** Milliseconds with one decimal. */
export const tenths = (ms: number): number => Math.round(ms * 10) / 10
