import type { Store } from '../../ports/store.ts'

/** Counts what changed the sign-in of a connection: a sign-in, a sign-out, a seed. */
export interface SignInEpoch {
  value: number
}

const epochs = new WeakMap<object, Map<string, SignInEpoch>>()

/**
 * The epoch of a connection in this process: one object for each store object and connection. After a commit that changes the sign-in,
 * add 1 to `value`; a remembered token is served only while the value is the one that it was remembered with.
 */
export function signInEpoch(store: Pick<Store, 'commit'>, connection: string): SignInEpoch {
  const ofStore = epochs.get(store) ?? new Map<string, SignInEpoch>()
  epochs.set(store, ofStore)
  const epoch = ofStore.get(connection) ?? { value: 0 }
  ofStore.set(connection, epoch)
  return epoch
}
