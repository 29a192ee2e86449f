import type { Context } from '../../domain/context.ts'
import type { Credential, TokenSet } from '../../domain/credential.ts'
import type { About } from '../../domain/events/event-parts.ts'
import type { Event } from '../../domain/events/event.ts'
import type { Windows } from '../../domain/plan.ts'
import type { Instant, Millis } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import type { Issued } from '../../ports/store.ts'
import type { TryHooks } from '../../upstream/try-hooks.ts'

/** A credential with tokens that may be served. */
export type CredentialWithTokens = Credential & { readonly tokens: TokenSet }

/** What stands in the store before a call, so that another process can go on where this one was killed. */
export interface PreparedRenewal {
  /** With its intent; the very credential that was found where nothing has to be written down. */
  readonly credential: Credential
  /** `send`: the call may be made. `plan`: only write the credential down, and plan again. */
  readonly next: 'send' | 'plan'
  /** Whether the same request may have been sent before under this intent. */
  readonly isRetry: boolean
}

/** What a failure leaves. */
export interface FailureResult {
  readonly credential: Credential
  /** `retry`: plan again, there is another way or nothing is lost yet. `stop`: the caller gets the failure. */
  readonly next: 'retry' | 'stop'
}

/** One call for the next tokens. */
export interface RenewalCall extends PreparedRenewal {
  readonly about: About
  /** The store's time, counted on while the call runs. */
  readonly now: () => Instant
  readonly hooks: TryHooks
  readonly context: Context
}

/** The next tokens, and what else is stored with them. */
export interface RenewalResult {
  readonly credential: CredentialWithTokens
  readonly events: readonly Event[]
  readonly issued?: readonly Issued[]
  /** Why what came cannot be used: the credential is stored all the same, because it holds what must not be lost; then this is thrown. */
  readonly fault?: GuestpassError
  /** Called once the tokens are stored, with the credential as it is stored. */
  readonly onStored?: (stored: CredentialWithTokens) => void
  /** Called when another change came first, so that the tokens are not stored. Never rejects. */
  readonly onSuperseded?: () => Promise<void>
}

/** A call that failed. */
export interface FailedRenewal {
  readonly before: Credential
  /** What it leaves. */
  readonly after: Credential
  readonly error: GuestpassError
  readonly about: About
  readonly now: Instant
  /** From the beginning of the call to its failure, waits and repeats included. */
  readonly latencyMs: Millis
}

/**
 * How one kind of credential gets its next tokens. All but `renew` is a table: decided from plain data, without clock, network or
 * store.
 */
export interface RenewalStrategy {
  readonly windows: Windows
  /** Whether a call uses something up, so that it must not be sent by a process that has lost its lease. */
  isSingleUse(credential: Credential): boolean
  /** The credential to begin with when nothing is stored. Throws when a renewal cannot create it. */
  initial(now: Instant): Credential
  /** What the events of one call share. */
  about(credential: Credential, context: Context): About
  /** What to write down before the call. Throws when nothing can be renewed. */
  prepare(credential: Credential, now: Instant): PreparedRenewal
  /** Gets the next tokens from upstream, whole pipeline included. */
  renew(order: RenewalCall): Promise<RenewalResult>
  /** What a failed call leaves of the credential. */
  afterFailure(prepared: PreparedRenewal, error: GuestpassError, now: Instant): FailureResult
  /** The events of what is written down before the call. */
  startEvents(before: Credential, after: Credential, about: About, now: Instant): readonly Event[]
  /** The events of a failed call, and of what it leaves. */
  failureEvents(failure: FailedRenewal): readonly Event[]
}
