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
  readonly onUnsaved?: ((unsaved: UnsavedTokens) => void) | undefined
  /** How long storing is retried, in milliseconds. Default: as long as the process lives. */
  readonly unsavedMs?: Millis | undefined
}

const FIRST: Millis = SECOND / 10
const LONGEST: Millis = SECOND
const REPORT_EVERY: Millis = 5 * SECOND

/**
 * Whether an error of a store may pass by itself: another process holds the lock, the disk is full or does
 * not answer.
 */
export const isTransientStoreError = ({ code }: GuestpassError): boolean =>
  code === 'store_busy' || code === 'store_unavailable'

/**
 * Retries work that new tokens wait for, after 0.1 s at first and every second later. Rejects with the last
 * error after `unsavedMs`, or at once if `mayPass` says that the error does not pass by itself.
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
 * Commits tokens that are given only once. Retries while the store is busy or full, as `retryWhileTransient`
 * does. `credential` names what the tokens are for, in `onUnsaved`.
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

/**
 * The error of new tokens that the store did not take. In doubt, as if the answer to the request had been
 * lost.
 */
export const unsavedError = (cause: unknown, tokens: CredentialWithTokens): GuestpassError =>
  new GuestpassError(
    'in_doubt',
    `The answer came, but the store did not take the new tokens: ${asGuestpassError(cause).message}`,
    { cause, unsaved: tokens },
  )
