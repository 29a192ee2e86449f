import type { Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'

/** A lease of somebody. */
export interface Held {
  readonly connection: string
  readonly lease: string
  readonly holder: string
  readonly ms: Millis
}

/** Prolongs a lease while work goes on, until it is aborted. A store that fails meanwhile costs the lease and nothing else. */
export function heartbeat(
  { connection, lease, holder, ms }: Held,
  { store, clock }: { readonly store: Pick<Store, 'lease'>; readonly clock: Clock },
): AbortController {
  const stop = new AbortController()
  const run = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(ms / 3, stop.signal)
      await store.lease(connection, lease, holder, ms)
    }
  }
  run().catch(() => {})
  return stop
}
