import { asGuestpassError } from '@guestpass/core/store-kit'
import type { ServiceLog } from './http/log.ts'

/** Work in the background that ends before the process does. */
export interface TrackedWork {
  /** Adds work. If it rejects, the log says so. */
  add(work: Promise<void>): void
  /** Resolves when all of it has ended, also work that was added meanwhile. */
  ended(): Promise<void>
}

export function createTrackedWork(log: Pick<ServiceLog, 'warn'>): TrackedWork {
  const running = new Set<Promise<void>>()
  return {
    add(work) {
      const done = work
        .catch((thrown: unknown) => log.warn(asGuestpassError(thrown).message))
        .finally(() => running.delete(done))
      running.add(done)
    },
    async ended() {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
