import type { Context } from '../../domain/context.ts'
import { type Millis, SECOND } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import type { FailedTries } from '../../policy/failed-tries.ts'
import { deadlineError } from '../../policy/deadline-error.ts'
import { withTimeLimit } from '../../policy/time-limit.ts'
import type { Clock } from '../../ports/clock.ts'

/**
 * Waits for work on behalf of a caller. `signal` and `patienceMs` (default `mostMs`) end this wait; the work
 * itself goes on. Rejects with the signal's reason, or with `deadline_exceeded`. That error says by `then` what
 * the caller can do, and names the last failure that `watch` reported.
 */
export function callerWait<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { signal = new AbortController().signal, patienceMs }: Context,
  { what, then, mostMs }: { readonly what: string; readonly then: string; readonly mostMs: Millis },
  clock: Clock,
  watch: FailedTries['watch'] = () => () => {},
): Promise<T> {
  const allowedMs = patienceMs ?? mostMs
  let latest: GuestpassError | undefined
  const unwatch = watch((failure) => (latest = failure))
  const overdue = (): GuestpassError => deadlineError(`${what}: not done within ${allowedMs / SECOND} s.`, then, latest)
  return withTimeLimit(({ signal: ended }) => work(ended), { signal }, allowedMs, overdue, clock).finally(unwatch)
}
