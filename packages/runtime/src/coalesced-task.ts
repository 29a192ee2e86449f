import type { Clock } from '@guestpass/core'
import { backOffMs } from '@guestpass/core/runtime-kit'
import { MINUTE, type Millis, SECOND } from '@guestpass/core/store-kit'

/** The result of one run. */
export interface RunResult {
  /** Whether the run got anything done. */
  readonly madeProgress: boolean
  /** Whether work is left for a later run. */
  readonly hasMore: boolean
}

/** A task that runs soon after it was triggered, one run at a time. */
export interface CoalescedTask {
  /** Asks for a run. Several calls make one run; a call during a run makes one more. */
  trigger(): void
  /** Resolves when no run is under way. */
  idle(): Promise<void>
}

/** How long a run waits for further triggers, so that one run serves them all. */
const GATHER: Millis = 10
const LONGEST_PAUSE: Millis = MINUTE

/**
 * Creates a task that runs when it is triggered, and again while it has more to do: after 1 s, doubled after
 * each run without progress, up to 60 s. A trigger comes before that. A run that rejects made no progress and
 * has more to do. Nothing runs after `signal` aborts. `clock`: its timers must not keep the process alive.
 */
export function createCoalescedTask(
  run: (signal: AbortSignal) => Promise<RunResult>,
  { clock, signal }: { readonly clock: Pick<Clock, 'sleep'>; readonly signal: AbortSignal },
): CoalescedTask {
  let underway: Promise<void> | undefined
  let isAsked = false
  let failures = 0
  let waking = new AbortController()

  async function work(): Promise<void> {
    await clock.sleep(GATHER, signal).catch(() => {})
    while (isAsked && !signal.aborted) {
      isAsked = false
      const { madeProgress, hasMore } = await run(signal).catch(() => ({ madeProgress: false, hasMore: true }))
      failures = hasMore && !madeProgress ? failures + 1 : 0
      if (hasMore) void retryLater()
    }
  }

  async function retryLater(): Promise<void> {
    waking.abort()
    waking = new AbortController()
    const pause = backOffMs({ failures: Math.max(1, failures), baseMs: SECOND, maxMs: LONGEST_PAUSE })
    await clock.sleep(pause, AbortSignal.any([signal, waking.signal])).then(trigger, () => {})
  }

  function trigger(): void {
    if (signal.aborted) return
    isAsked = true
    waking.abort()
    underway ??= work().finally(() => {
      underway = undefined
      if (isAsked) trigger()
    })
  }

  return {
    trigger,
    async idle() {
      for (let last = underway; last; last = underway) await last
    },
  }
}
