import { checkOptions, millisOrInfinity } from '../domain/options.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import type { GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import { deadlineError } from './deadline-error.ts'
import type { Call, Policy } from './pipeline.ts'
import { withTimeLimit } from './time-limit.ts'

/**
 * Bounds a whole operation: all tries, and the waits between them. The time is measured on the monotonic
 * clock, so that setting the machine's clock ends no call.
 *
 * @param totalMs milliseconds from the start of the call, at least 1; Infinity for no bound. The caller's
 *   `patienceMs` replaces it.
 * @throws `deadline_exceeded` with the failure of the latest try as its cause. A request that is under way
 *   may still take effect upstream. `config_invalid` for a wrong `totalMs`.
 */
export function deadline(totalMs: Millis, { clock }: { readonly clock: Clock }): Policy {
  checkOptions('deadline', ['deadlineMs', totalMs, millisOrInfinity])
  return (next) => async (call) => {
    const startedAt = clock.monotonic()
    const allowedMs = call.patienceMs ?? totalMs
    const remainingMs = (): Millis =>
      Math.max(0, Math.min(call.remainingMs(), startedAt + allowedMs - clock.monotonic()))
    let latest: GuestpassError | undefined
    const onFailedTry: Call['onFailedTry'] = (failure, end) => {
      latest = failure
      call.onFailedTry(failure, end)
    }
    const overdue = (): GuestpassError =>
      deadlineError(
        `${call.operation}: not done within ${allowedMs / SECOND} s (connection ${call.connection}).`,
        'Ask again, or allow it more time.',
        latest,
      )
    return withTimeLimit(next, { ...call, remainingMs, onFailedTry }, allowedMs, overdue, clock)
  }
}
