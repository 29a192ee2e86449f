import type { GuestpassError } from '../domain/errors.ts'

type Watcher = (failure: GuestpassError) => void

/** Reports the failed tries to get an access token of a connection to the calls that wait for it. */
export interface FailedTries {
  /** Reports one failure to all watchers. */
  report(failure: GuestpassError): void
  /** Calls the watcher for each failure from now on. Returns a function that ends this. */
  watch(watcher: Watcher): () => void
}

export function createFailedTries(): FailedTries {
  const watchers = new Set<Watcher>()
  return {
    /** Reports one failure to all watchers. */
    report(failure) {
      for (const watcher of watchers) watcher(failure)
    },
    watch(watcher) {
      // A function of its own, because several calls may watch with the same one.
      const own: Watcher = (failure) => watcher(failure)
      watchers.add(own)
      return () => void watchers.delete(own)
    },
  }
}
