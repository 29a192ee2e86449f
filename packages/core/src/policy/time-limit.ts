import type { Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'

/**
 * Runs an attempt for at most `ms` (Infinity: as long as it takes). When they are over, the signal that the attempt was given
 * aborts with `overdue()`, and so does the answer, also when the attempt does not listen. The caller's own abort passes
 * through with its reason. Nothing is left behind: no timer, no listener.
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
  // Taken away by hand: by a signal of its own Node forgets to, where many share the caller's.
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
