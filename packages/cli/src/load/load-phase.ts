import type { Clock } from '@guestpass/core'
import { createMeters, stopwatch } from '@guestpass/core/runtime-kit'
import { asGuestpassError, SECOND } from '@guestpass/core/store-kit'
import { tenths } from './measured-http.ts'

/** How calls at a fixed rate went. */
export interface PhaseFigures {
  readonly asked: number
  readonly done: number
  /** How many calls failed, by the code of the error. */
  readonly failures: Readonly<Record<string, number>>
  readonly seconds: number
  /** Calls that ended well, a second. */
  readonly achievedPerSecond: number
  /** From the moment at which a call was due at this rate, so that a late start counts as latency. */
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface PhaseParts {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** How many calls a second are started. */
  readonly rate: number
  /** Is called when a call has ended, with the figures so far. */
  readonly onCall: (figures: PhaseFigures) => void
}

/**
 * Makes a call for each item. Calls start at a fixed rate, whether those before have ended or not, as requests
 * of visitors do. Rejects with the reason of the signal.
 */
export async function runPhase<T>(
  items: readonly T[],
  call: (item: T) => Promise<unknown>,
  { clock, signal, rate, onCall }: PhaseParts,
): Promise<PhaseFigures> {
  const meters = createMeters()
  const elapsed = stopwatch(clock)
  const failures: Record<string, number> = {}
  let last = 0
  const figures = (): PhaseFigures => {
    const timed = meters.timed('call')
    const seconds = Math.max(last, SECOND / rate) / SECOND
    return {
      asked: items.length,
      done: timed.count,
      failures: { ...failures },
      seconds: tenths(seconds),
      achievedPerSecond: tenths(timed.count / seconds),
      p50Ms: tenths(timed.quantile(0.5)),
      p99Ms: tenths(timed.quantile(0.99)),
    }
  }
  const one = async (item: T, dueMs: number): Promise<void> => {
    try {
      await call(item)
      meters.time('call', Math.max(0, elapsed() - dueMs))
    } catch (thrown) {
      const { code } = asGuestpassError(thrown)
      failures[code] = (failures[code] ?? 0) + 1
    }
    last = elapsed()
    onCall(figures())
  }
  const calls: Promise<void>[] = []
  for (const [nth, item] of items.entries()) {
    const dueMs = (nth * SECOND) / rate
    const wait = dueMs - elapsed()
    if (wait > 0) await clock.sleep(wait, signal)
    signal.throwIfAborted()
    calls.push(one(item, dueMs))
  }
  await Promise.all(calls)
  signal.throwIfAborted()
  return figures()
}
