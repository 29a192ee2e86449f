import type { GuestpassError } from '../domain/errors.ts'

type Watcher = (failure: GuestpassError) => void

/** The failed tries to get the access tokens of one connection, for calls that wait for one. */
export interface FailedTries {
  report(failure: GuestpassError): void
  /** Calls the watcher for each failure from now on, until the function that it gives is called. */
  watch(watcher: Watcher): () => void
}

export function createFailedTries(): FailedTries {
  const watchers = new Set<Watcher>()
  return {
    report(failure) {
      for (const watcher of watchers) watcher(failure)
    },
    watch(watcher) {
      // Several calls may watch with the same function.
      const own: Watcher = (failure) => watcher(failure)
      watchers.add(own)
      return () => void watchers.delete(own)
    },
  }
}
