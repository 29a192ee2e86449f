import { type Millis, SECOND } from '../domain/time.ts'
import { asGuestpassError, type GuestpassError } from '../errors.ts'
import { type Clock, stopwatch } from '../ports/clock.ts'
import type { Change, Ledger } from '../ports/store.ts'

/** Tokens that came wait for a store that cannot take them. */
export interface Unsaved {
  readonly connection: string
  /** Why the store does not take them. */
  readonly error: GuestpassError
  /** For how long already, in milliseconds. */
  readonly sinceMs: Millis
  /** The path or the name of what they are for: `grant`, or the id of a guest. */
  readonly credential: string
}

export interface SavingPorts {
  readonly store: Pick<Ledger, 'commit'>
  readonly clock: Clock
  /** Called about every 5 s while tokens that came wait for the store. */
  readonly onUnsaved?: ((waiting: Unsaved) => void) | undefined
  /** How long the store is asked, in milliseconds. Default: as long as the process lives. */
  readonly unsavedMs?: Millis | undefined
}

const FIRST: Millis = SECOND / 10
const LONGEST: Millis = SECOND
const TELL_EVERY: Millis = 5 * SECOND

/** Faults that pass: another process holds the lock, the disk is full or does not answer. */
const passes = ({ code }: GuestpassError): boolean => code === 'store_busy' || code === 'store_unavailable'

/**
 * Commits what cannot be had again, as a refresh token that just came. A store that is busy or has no room is asked again, after
 * 0.1 s at first and every second later, until it takes the change or `unsavedMs` are over; then, and for any other fault, it
 * rejects with what the store said.
 */
export async function keepTrying(
  { store, clock, onUnsaved, unsavedMs = Number.POSITIVE_INFINITY }: SavingPorts,
  change: Change,
  credential: string,
): Promise<'done' | 'conflict'> {
  const since = stopwatch(clock)
  let told = 0
  for (let wait = FIRST; ; wait = Math.min(wait * 2, LONGEST)) {
    try {
      return await store.commit(change)
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      if (!passes(error) || since() + wait > unsavedMs) throw thrown
      if (since() >= told + TELL_EVERY) {
        told = since()
        onUnsaved?.({ connection: change.connection, error, sinceMs: told, credential })
      }
      await clock.sleep(wait)
    }
  }
}
