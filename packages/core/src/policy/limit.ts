import { checkOptions, millis, number, object } from '../domain/options.ts'
import { DAY, iso, type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import { type Clock, stopwatch } from '../ports/clock.ts'
import { createKeyedStates } from './keyed-states.ts'
import { createPermitSource, type PermitStore } from './permit-source.ts'
import { createPermitQueue, type PermitQueue } from './permit-queue.ts'
import type { Call, Policy } from './pipeline.ts'
import { rateLimitFeedback } from './rate-limit-feedback.ts'

/** How fast calls may be sent. */
export interface LimitOptions {
  /**
   * Requests a minute, more than 0. Default 300. A lower limit that the upstream names holds for an hour
   * after.
   */
  readonly perMinute?: number
  /**
   * Requests that may be sent at once after a quiet time, at least 1. Default 10: a little less than the
   * upstream accepts at once, because requests can arrive closer together than they were sent.
   */
  readonly burst?: number
  /**
   * A call that would wait longer for its permit is refused at once. Milliseconds, from 0 to a day; default
   * 30 s.
   */
  readonly maxWaitMs?: Millis
}

/** How many requests a minute a rate limit lets through, if `perMinute` is not given. */
export const defaultPerMinute = 300

/** How many requests a rate limit lets through at once after a quiet time, if `burst` is not given. */
export const defaultBurst = 10

export const limitSchema = object<LimitOptions>({
  perMinute: number(Number.MIN_VALUE),
  burst: number(1),
  maxWaitMs: millis(0, DAY),
})

/**
 * Paces tries to the rate limit of the upstream. Each try takes a permit from the bucket of its rate-limit
 * key in the store, first come, first served in this process. Every answer changes the bucket: its limit, and
 * a pause if the upstream refused or said that the count is used up. While the store fails, this process
 * keeps the rate alone.
 *
 * @throws `upstream_busy` at once, with `retryAt`, if the permit is further away than `maxWaitMs` or the time
 *   that is left. `config_invalid` for wrong options.
 */
export function limit(options: LimitOptions, ports: { readonly clock: Clock; readonly store: PermitStore }): Policy {
  const { clock } = ports
  checkOptions('limit', ['limit', options, limitSchema])
  const { perMinute = defaultPerMinute, burst = defaultBurst, maxWaitMs = 30 * SECOND } = options
  const states = createKeyedStates((): { queue?: PermitQueue } => ({}), {
    isBusy: ({ queue }) => (queue?.waiting ?? 0) > 0,
  })

  const queueOf = (call: Call): PermitQueue => {
    const state = states(call.connection, call.rateLimitKey)
    return (state.queue ??= createPermitQueue(createPermitSource(call, { perMinute, burst }, ports), clock))
  }

  return (next) => async (call) => {
    const queue = queueOf(call)
    const allowedMs = Math.min(call.patienceMs ?? maxWaitMs, call.remainingMs())
    const waited = stopwatch(clock)
    await queue.acquire(allowedMs, call.signal, (waitMs) =>
      refusal(call, { waitMs, allowedMs, waitedMs: waited() }, clock),
    )
    return next({
      ...call,
      onAnswer(answer) {
        call.onAnswer(answer)
        queue.applyFeedback(rateLimitFeedback(answer, clock.wall()))
      },
    })
  }
}

const seconds = (ms: Millis): string => `${Math.ceil(ms / SECOND)} s`

/** How long a caller must wait on, may wait in all, and has waited. */
interface Waiting {
  readonly waitMs: Millis
  readonly allowedMs: Millis
  readonly waitedMs: Millis
}

function refusal(call: Call, { waitMs, allowedMs, waitedMs }: Waiting, clock: Clock): GuestpassError {
  // Rounded down: the wait, which is rounded up, is then longer than what is left.
  const left = `${Math.max(0, Math.floor((allowedMs - waitedMs) / SECOND))} s`
  const most = `${Math.floor(allowedMs / SECOND)} s`
  const bound = waitedMs < SECOND ? `waits ${most} at most` : `has ${left} left of the ${most} that it waits at most`
  const retryAt = clock.wall() + waitMs
  return new GuestpassError(
    'upstream_busy',
    `${call.operation}: connection ${call.connection} is at its rate limit. The next permit is ${seconds(waitMs)} away, and this call ${bound}. Nothing was sent. Ask again at ${iso(retryAt)} or later.`,
    { retryAt },
  )
}
