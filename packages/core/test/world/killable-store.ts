import type { Store } from '../../src/ports/store.ts'
import { everyCall } from './every-call.ts'

/** The store of a process as `kill -9` leaves it: nothing that the process asks of it is done or answered any more. */
export function killableStore(store: Store): { readonly store: Store; kill(): void } {
  let isDead = false
  return {
    store: everyCall(store, (call) => (isDead ? new Promise(() => {}) : call())),
    kill: () => (isDead = true),
  }
}
