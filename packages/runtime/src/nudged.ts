import type { Clock } from '@guestpass/core'
import { MINUTE, type Millis, SECOND } from '@guestpass/core/store-kit'

/** What a run left behind. */
export interface Left {
  /** Whether it got anything done. */
  readonly settled: boolean
  /** Whether something waits for a later run. */
  readonly waits: boolean
}

/** Work that is done soon after it is asked for, one run at a time. */
export interface Nudged {
  /** Asks for a run. Many at once make one run, and one more where they come during a run. */
  nudge(): void
  /** Resolves when no run is under way. */
  idle(): Promise<void>
}

/** How long a run waits for further events, so that those of one moment go together. */
const GATHER: Millis = 10
const LONGEST: Millis = MINUTE

/**
 * Runs work when it is nudged, and again while it leaves something behind: after 1 s, doubled up to 60 s; a nudge comes before that. Runs
 * that reject count as such. Nothing happens after the signal aborts. `clock`: one whose timers do not keep the process alive.
 */
export function createNudged(
  run: (signal: AbortSignal) => Promise<Left>,
  { clock, signal }: { readonly clock: Pick<Clock, 'sleep'>; readonly signal: AbortSignal },
): Nudged {
  let underway: Promise<void> | undefined
  let isAsked = false
  let failures = 0
  let waking = new AbortController()

  async function work(): Promise<void> {
    await clock.sleep(GATHER, signal).catch(() => {})
    while (isAsked && !signal.aborted) {
      isAsked = false
      const { settled, waits } = await run(signal).catch(() => ({ settled: false, waits: true }))
      failures = waits && !settled ? failures + 1 : 0
      if (waits) void later()
    }
  }

  async function later(): Promise<void> {
    waking.abort()
    waking = new AbortController()
    const pause = Math.min(SECOND * 2 ** Math.max(0, failures - 1), LONGEST)
    await clock.sleep(pause, AbortSignal.any([signal, waking.signal])).then(nudge, () => {})
  }

  function nudge(): void {
    if (signal.aborted) return
    isAsked = true
    waking.abort()
    underway ??= work().finally(() => {
      underway = undefined
      if (isAsked) nudge()
    })
  }

  return {
    nudge,
    async idle() {
      for (let run = underway; run; run = underway) await run
    },
  }
}
