import { type Millis, MINUTE, SECOND } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import { type Clock, stopwatch } from '../../ports/clock.ts'
import type { FoundCredential } from '../../ports/store.ts'

/** The latest failed renewal of this process, until it may be tried again. */
export interface RecentFailure {
  /** The failure that keeps a credential from being renewed now. Undefined: it may be renewed. */
  blocking(found: FoundCredential): GuestpassError | undefined
  /**
   * Remembers a failure for `backOffMs`. Undefined: only a changed configuration can end the failure; then it is
   * remembered for 5 s, twice as long each time it recurs, up to 1 min.
   */
  record(error: GuestpassError, generation: number, backOffMs: Millis | undefined): void
}

/**
 * Times for failures that only a changed configuration can end. The store does not keep them, because the
 * next process may have another configuration.
 */
const FIRST: Millis = 5 * SECOND
const LONGEST: Millis = MINUTE

export function createRecentFailure(clock: Clock): RecentFailure {
  let latest:
    | { readonly error: GuestpassError; readonly generation: number; readonly ms: Millis; readonly age: () => Millis }
    | undefined
  return {
    blocking({ credential }) {
      const isBlocked = latest?.generation === (credential?.generation ?? 0) && latest.age() < latest.ms
      return isBlocked ? latest?.error : undefined
    },
    record(error, generation, backOffMs) {
      const recurringMs = latest?.generation === generation && !latest.error.retryable ? latest.ms * 2 : FIRST
      latest = { error, generation, ms: backOffMs ?? Math.min(recurringMs, LONGEST), age: stopwatch(clock) }
    },
  }
}
