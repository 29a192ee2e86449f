import { checkOptions, millis, number, record } from '../domain/options.ts'
import { DAY, iso, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'
import { lanes } from './lanes.ts'
import { permits } from './permits.ts'
import { type Line, line } from './line.ts'
import type { Call, Policy } from './pipeline.ts'
import { rateLimit } from './rate-limit.ts'

export interface LimitOptions {
  /** Requests a minute, more than 0; default 300. Lower while upstream says that it allows fewer, and for an hour after. */
  readonly perMinute?: number
  /**
   * Requests that may go at once after a quiet time, at least 1; default 10. A little less than upstream takes at once
   * leaves room for what arrives denser than it was sent.
   */
  readonly burst?: number
  /** A call that would wait longer for its turn is refused at once; milliseconds, default 30 s, at most a day. */
  readonly maxWaitMs?: Millis
}

export const limitKind = record<LimitOptions>({
  perMinute: number(Number.MIN_VALUE),
  burst: number(1),
  maxWaitMs: millis(0, DAY),
})

/** The part of a store that limiters of several processes share. */
export type PermitStore = Pick<Store, 'reserve' | 'learn'>

/**
 * Paces tries to what upstream allows: each takes a permit from its lane's bucket in the store, first come, first served in
 * this process. When its turn is further away than `maxWaitMs` or the time that is left, a call ends at once with
 * `upstream_busy`, which says when to come back. Every answer teaches the lane: its limit, and pauses when upstream refused
 * or said that the count is used up. Without the store the pace is kept by this process alone.
 */
export function limit(options: LimitOptions, ports: { readonly clock: Clock; readonly store: PermitStore }): Policy {
  const { clock, store } = ports
  checkOptions('limit', ['limit', options, limitKind])
  const { perMinute = 300, burst = 10, maxWaitMs = 30 * SECOND } = options
  const known = lanes((): { line?: Line } => ({}), { busy: ({ line }) => (line?.waiting ?? 0) > 0 })

  const lineOf = (call: Call): Line => {
    const lane = known(call)
    return (lane.line ??= line(permits(call, { perMinute, burst }, { clock, store }), clock))
  }

  return (next) => async (call) => {
    const lane = lineOf(call)
    const allowed = Math.min(call.patienceMs ?? maxWaitMs, call.left())
    const busy = (waitMs: Millis): GuestpassError => refusal(call, waitMs, allowed, clock)
    await lane.turn(allowed, call.signal, busy)
    return next({
      ...call,
      notice(answer) {
        call.notice(answer)
        lane.learn(rateLimit(answer, clock.wall()))
      },
    })
  }
}

const seconds = (ms: Millis): string => `${Math.ceil(ms / SECOND)} s`

function refusal(call: Call, waitMs: Millis, allowed: Millis, clock: Clock): GuestpassError {
  const retryAt = clock.wall() + waitMs
  return new GuestpassError(
    'upstream_busy',
    `${call.operation}: connection ${call.connection} is at its limit; the next turn is ${seconds(waitMs)} away, and this call waits ${seconds(allowed)} at most. Nothing was sent. Ask again at ${iso(retryAt)} or later.`,
    { retryAt },
  )
}
