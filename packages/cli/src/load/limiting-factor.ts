import { MINUTE, SECOND } from '@guestpass/core/store-kit'
import { counted } from '../counted.ts'
import type { PhaseFigures } from './load-phase.ts'
import type { UpstreamFigures } from './measured-http.ts'

/** Why a load was not carried as fast as it was asked for. */
export interface LimitingFactor {
  readonly factor: 'none' | 'rate_limit' | 'upstream_limit' | 'upstream_errors' | 'machine' | 'upstream_latency'
  readonly text: string
}

export interface MeasuredLoad {
  /** Calls a second that were asked for. */
  readonly rate: number
  readonly phase: PhaseFigures
  readonly upstream: UpstreamFigures
  /** The rate limit of the connection, in requests a minute. */
  readonly perMinute: number
  /** The share of time in which the event loop was busy, 0 to 1. */
  readonly busy: number
}

/** From this share of the rate on, the rate counts as reached. The last calls end later than they start. */
const REACHED = 0.9
/** From this share of time on, the one thread of the process is the limit. */
const BUSY = 0.9

/** Names what limited a load. */
export function limitingFactor(load: MeasuredLoad): LimitingFactor {
  const { rate, phase, upstream, perMinute, busy } = load
  if (upstream.rateLimited > 0) {
    const text = `the rate limit of the upstream: it answered 429 to ${counted(upstream.rateLimited, 'request')}`
    return { factor: 'upstream_limit', text }
  }
  if (phase.done === phase.asked && phase.achievedPerSecond >= REACHED * rate)
    return { factor: 'none', text: 'the rate asked for (--rate), which was reached' }
  if (upstream.failed > 0)
    return {
      factor: 'upstream_errors',
      text: `errors of the upstream: ${counted(upstream.failed, 'request')} failed there`,
    }
  const { allowedPerMinute = Number.POSITIVE_INFINITY } = upstream
  if (rate > perSecond(Math.min(perMinute, allowedPerMinute))) return rateLimitOf(perMinute, allowedPerMinute)
  if (busy >= BUSY)
    return { factor: 'machine', text: `this machine: its process was busy ${Math.round(busy * 100)} % of the time` }
  const { p50Ms, p99Ms } = upstream
  return { factor: 'upstream_latency', text: `the latency of the upstream: p50 ${p50Ms} ms, p99 ${p99Ms} ms` }
}

const perSecond = (perMinute: number): number => (perMinute * SECOND) / MINUTE

/** The lower of two limits: that of the connection, and the one that the answers of the upstream named. */
function rateLimitOf(perMinute: number, allowedPerMinute: number): LimitingFactor {
  if (allowedPerMinute <= perMinute) {
    const text = `the rate limit of the upstream: its answers allow ${counted(allowedPerMinute, 'request')} a minute`
    return { factor: 'upstream_limit', text }
  }
  const remedy = 'GENESYS_RATE_LIMIT raises it, if the upstream allows more'
  return {
    factor: 'rate_limit',
    text: `the rate limit of the connection, ${counted(perMinute, 'request')} a minute; ${remedy}`,
  }
}
