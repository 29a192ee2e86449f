import type { Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'

/**
 * Runs an attempt for at most `ms` milliseconds (Infinity: without a limit). When the time is over, it
 * rejects with `overdue()`, and aborts the signal of the attempt. An abort of the caller passes through with
 * its reason. No timer and no listener are left behind.
 */
export async function withTimeLimit<T, C extends { readonly signal: AbortSignal }>(
  attempt: (call: C) => Promise<T>,
  call: C,
  ms: Millis,
  overdue: () => Error,
  clock: Clock,
): Promise<T> {
  call.signal.throwIfAborted()
  const box = new AbortController()
  const done = new AbortController()
  const aborted = new Promise<never>((_, reject) => {
    box.signal.addEventListener('abort', () => reject(box.signal.reason as Error), { once: true })
  })
  const passOn = (): void => box.abort(call.signal.reason)
  // Removed by hand: with a signal of its own, Node keeps the listener where many calls share the caller's
  // signal.
  call.signal.addEventListener('abort', passOn)
  if (ms < Number.POSITIVE_INFINITY) {
    clock.sleep(ms, done.signal).then(
      () => box.abort(overdue()),
      () => {},
    )
  }
  try {
    return await Promise.race([attempt({ ...call, signal: box.signal }), aborted])
  } finally {
    call.signal.removeEventListener('abort', passOn)
    // With a reason of its own, because the default one captures a stack for every call.
    done.abort('done')
  }
}
