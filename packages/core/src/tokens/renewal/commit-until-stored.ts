import type { CredentialWithTokens } from '../../domain/credential.ts'
import { type Millis, SECOND } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { type Clock, stopwatch } from '../../ports/clock.ts'
import type { Change, Ledger } from '../../ports/store.ts'

/**
 * A report of received tokens that are not stored yet: the store is busy or full, or the tokens cannot be
 * verified now. They are lost if the process ends.
 */
export interface UnsavedTokens {
  /** The name of the connection. */
  readonly connection: string
  /** Why they are not stored: the error of the store, of the keys, or of the call that names the user. */
  readonly error: GuestpassError
  /** How long they have waited, in milliseconds. */
  readonly sinceMs: Millis
  /** The id of their credential in the store: `grant` for a sign-in, or the id of a guest. */
  readonly credential: string
}

export interface SavingPorts {
  readonly store: Pick<Ledger, 'commit'>
  readonly clock: Clock
  /** Called about every 5 s while tokens wait for the store. */
  readonly onUnsaved?: ((waiting: UnsavedTokens) => void) | undefined
  /** How long the store is asked, in milliseconds. Default: as long as the process lives. */
  readonly unsavedMs?: Millis | undefined
}

const FIRST: Millis = SECOND / 10
const LONGEST: Millis = SECOND
const REPORT_EVERY: Millis = 5 * SECOND

/** Faults of a store that pass: another process holds the lock, the disk is full or does not answer. */
export const isTransientStoreError = ({ code }: GuestpassError): boolean =>
  code === 'store_busy' || code === 'store_unavailable'

/**
 * Repeats work that tokens in hand wait for, after 0.1 s at first and every second later, as long as its faults may pass by themselves
 * and `unsavedMs` are not over; then it rejects with the last fault.
 */
export async function retryWhileTransient<T>(
  { clock, onUnsaved, unsavedMs = Number.POSITIVE_INFINITY }: Omit<SavingPorts, 'store'>,
  of: { readonly connection: string; readonly credential: string },
  work: () => Promise<T>,
  mayPass: (error: GuestpassError) => boolean,
): Promise<T> {
  const since = stopwatch(clock)
  let reportedAt = 0
  for (let wait = FIRST; ; wait = Math.min(wait * 2, LONGEST)) {
    try {
      return await work()
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      if (!mayPass(error) || since() + wait > unsavedMs) throw thrown
      if (since() >= reportedAt + REPORT_EVERY) {
        reportedAt = since()
        onUnsaved?.({ ...of, error, sinceMs: reportedAt })
      }
      await clock.sleep(wait)
    }
  }
}

/**
 * Commits what cannot be had again, as a refresh token that just came. A store that is busy or has no room is asked again, after
 * 0.1 s at first and every second later, until it takes the change or `unsavedMs` are over; then, and for any other fault, it
 * rejects with what the store said.
 */
export const commitUntilStored = (
  ports: SavingPorts,
  change: Change,
  credential: string,
): Promise<'done' | 'conflict'> =>
  retryWhileTransient(
    ports,
    { connection: change.connection, credential },
    () => ports.store.commit(change),
    isTransientStoreError,
  )

/** What can be had only once came, and the store has not taken it: as if the answer had been lost. */
export const unsavedError = (cause: unknown, tokens: CredentialWithTokens): GuestpassError =>
  new GuestpassError(
    'in_doubt',
    `The answer came, but the store did not take the new tokens: ${asGuestpassError(cause).message}`,
    { cause, unsaved: tokens },
  )
