import type { Clock } from '@guestpass/core'
import type { Worker } from '@guestpass/core/runtime-kit'
import type { FakeClock } from '@guestpass/core/testing'

/** Pauses up to this many milliseconds are within a pass: a keeper has more to claim. */
const SHORT_MS = 10

/** Runs each worker until it has nothing more to do, without waiting for its next pass. */
export interface SinglePass {
  /** The clock for the workers, which ends a pass instead of sleeping. */
  readonly clock: Clock
  /** Rejects with the first failure of the pass. */
  run(worker: Worker): Promise<void>
}

export function createSinglePass(clock: FakeClock): SinglePass {
  let stop = new AbortController()
  return {
    clock: {
      ...clock,
      async sleep(ms) {
        if (ms > SHORT_MS) stop.abort()
        // What is due in a moment would otherwise be asked for again and again.
        else await clock.advance(ms)
      },
    },
    async run(worker) {
      stop = new AbortController()
      let failure: unknown
      await worker.run(stop.signal, { succeeded() {}, failed: (error) => (failure ??= error) })
      if (failure !== undefined) throw failure as Error
    },
  }
}
