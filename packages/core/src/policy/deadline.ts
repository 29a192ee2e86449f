import { checkOptions, noEnd } from '../domain/options.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import type { GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import { overdueError } from './overdue.ts'
import type { Call, Policy } from './pipeline.ts'
import { timeBox } from './time-box.ts'

/**
 * Bounds the whole operation, all tries and waits: `totalMs` from the moment it is called, in milliseconds, more than 0;
 * Infinity for no bound; or the caller's own patience. Then it ends with `deadline_exceeded`,
 * which names the failure of the latest try, if one failed; a request that was under way may still take effect upstream.
 * Measured on the monotonic clock, so that setting the machine's time ends no call.
 */
export function deadline(totalMs: Millis, { clock }: { readonly clock: Clock }): Policy {
  checkOptions('deadline', ['deadlineMs', totalMs, noEnd])
  return (next) => async (call) => {
    const startedAt = clock.monotonic()
    const allowedMs = call.patienceMs ?? totalMs
    const left = (): Millis => Math.max(0, Math.min(call.left(), startedAt + allowedMs - clock.monotonic()))
    let latest: GuestpassError | undefined
    const failed: Call['failed'] = (failure) => {
      latest = failure
      call.failed(failure)
    }
    const overdue = (): GuestpassError =>
      overdueError(
        `${call.operation}: not done within ${allowedMs / SECOND} s (connection ${call.connection}).`,
        'Ask again, or allow it more time.',
        latest,
      )
    return timeBox(next, { ...call, left, failed }, allowedMs, overdue, clock)
  }
}
