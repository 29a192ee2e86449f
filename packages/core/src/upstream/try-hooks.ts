import type { GuestpassError } from '../domain/errors.ts'
import type { FailedTry } from '../domain/events/tries.ts'

/** Functions of a caller that run around each try of a call. */
export interface TryHooks {
  /**
   * Called before each try of a call that uses a token up, also before a repeat after a wait. If it throws,
   * the call ends, and nothing is sent.
   */
  readonly beforeTry?: () => Promise<void>
  /**
   * Called when the connection is open, directly before the first byte. If it throws, the request is not
   * sent.
   */
  readonly onSend: () => void
  /**
   * Called with the failure of each try that is followed by another one. Without `end`: it was a try to get the
   * access token.
   */
  readonly onFailedTry?: (failure: GuestpassError, end?: FailedTry) => void
}
