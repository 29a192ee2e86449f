import type { Context } from '../domain/context.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../errors.ts'
import { timeBox } from '../policy/time-box.ts'
import type { Clock } from '../ports/clock.ts'

/**
 * Waits for work on behalf of a caller. `signal` and `patienceMs` (default `mostMs`) end this wait; the work itself goes on. Rejects
 * with the signal's reason, or with `deadline_exceeded`; `then` says what the caller can do.
 */
export function callerWait<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { signal = new AbortController().signal, patienceMs }: Context,
  { what, then, mostMs }: { readonly what: string; readonly then: string; readonly mostMs: Millis },
  clock: Clock,
): Promise<T> {
  const allowedMs = patienceMs ?? mostMs
  const overdue = (): GuestpassError =>
    new GuestpassError('deadline_exceeded', `${what}: not done within ${allowedMs / SECOND} s. ${then}`)
  return timeBox(({ signal: ended }) => work(ended), { signal }, allowedMs, overdue, clock)
}
