import type { GuestpassError } from '../domain/errors.ts'

/** What a caller has to say around each try of a call. */
export interface TryHooks {
  /**
   * Asked before each try of a call that spends something, also before each repeat after a wait: whether it
   * may still be sent. What it throws ends the call, and nothing is sent.
   */
  readonly beforeTry?: () => Promise<void>
  /**
   * Called when the connection is open, directly before the first byte. What it throws keeps the request from
   * being sent.
   */
  readonly onSend: () => void
  /** Called with the failure of each try that is followed by another one. */
  readonly onFailedTry?: (failure: GuestpassError) => void
}
