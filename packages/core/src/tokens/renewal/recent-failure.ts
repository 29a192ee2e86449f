import { type Millis, MINUTE, SECOND } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import { type Clock, stopwatch } from '../../ports/clock.ts'
import type { FoundCredential } from '../../ports/store.ts'

/** The latest failure that this process met, for as long as it is not tried again. */
export interface RecentFailure {
  /** The failure because of which what was found is not tried now; undefined: it may be tried. */
  blocking(found: FoundCredential): GuestpassError | undefined
  /** Remembers a failure for `restMs`; without, as one that only a changed configuration can end. */
  record(error: GuestpassError, generation: number, restMs: Millis | undefined): void
}

/**
 * A refusal that only a changed configuration can end is remembered by the process that met it, not by the store: for this long
 * at first, twice as long each time it comes again, up to `LONGEST`.
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
    record(error, generation, restMs) {
      const again = latest?.generation === generation && !latest.error.retryable ? latest.ms * 2 : FIRST
      latest = { error, generation, ms: restMs ?? Math.min(again, LONGEST), age: stopwatch(clock) }
    },
  }
}
