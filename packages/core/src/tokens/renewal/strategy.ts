import type { Context } from '../../domain/context.ts'
import type { Credential, CredentialWithTokens } from '../../domain/credential.ts'
import type { EventContext } from '../../domain/events/event-parts.ts'
import type { Event } from '../../domain/events/event.ts'
import type { RenewalWindows } from '../../domain/plan.ts'
import type { Instant, Millis } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import type { IssuedToken } from '../../ports/store.ts'
import type { TryHooks } from '../../upstream/try-hooks.ts'

/** What is stored before a call, so that another process can continue if this one is killed. */
export interface PreparedRenewal<C extends Credential = Credential> {
  /** With its intent; the very credential that was found where nothing has to be written down. */
  readonly credential: C
  /** `send`: the call may be made. `plan`: only write the credential down, and plan again. */
  readonly next: 'send' | 'plan'
  /** Whether the same request may have been sent before under this intent. */
  readonly isRetry: boolean
}

/** What a failure leaves. */
export interface FailureResult<C extends Credential = Credential> {
  readonly credential: C
  /** `retry`: plan again, there is another way or nothing is lost yet. `stop`: the caller gets the failure. */
  readonly next: 'retry' | 'stop'
}

/** One call for the next tokens. */
export interface RenewalCall<C extends Credential = Credential> extends PreparedRenewal<C> {
  readonly about: EventContext
  /** The store's time, counted on while the call runs. */
  readonly now: () => Instant
  readonly hooks: TryHooks
  readonly context: Context
}

/** The next tokens, and what else is stored with them. */
export interface RenewalResult<C extends Credential = Credential> {
  readonly credential: CredentialWithTokens<C>
  readonly events: readonly Event[]
  readonly issued?: readonly IssuedToken[]
  /** Why what came cannot be used: the credential is stored all the same, because it holds what must not be lost; then this is thrown. */
  readonly fault?: GuestpassError
  /** Called once the tokens are stored, with the credential as it is stored. */
  onStored?(stored: CredentialWithTokens<C>): void
  /** Called when another change came first, so that the tokens are not stored. Never rejects. */
  readonly onSuperseded?: () => Promise<void>
}

/** A call that failed. */
export interface FailedRenewal<C extends Credential = Credential> {
  readonly before: C
  /** What it leaves. */
  readonly after: C
  readonly error: GuestpassError
  readonly about: EventContext
  readonly now: Instant
  /** From the beginning of the call to its failure, waits and repeats included. */
  readonly latencyMs: Millis
}

/**
 * How one kind of credential gets its next tokens. All but `renew` is a table: decided from plain data, without clock, network or
 * store.
 */
export interface RenewalStrategy<C extends Credential = Credential> {
  readonly kind: C['kind']
  readonly windows: RenewalWindows
  /** Whether a call uses something up, so that it must not be sent by a process that has lost its lease. */
  isSingleUse(credential: C): boolean
  /** The credential to begin with when nothing is stored. Throws when a renewal cannot create it. */
  initial(now: Instant): C
  /** What the events of one call share. */
  about(credential: C, context: Context): EventContext
  /** What to write down before the call. Throws when nothing can be renewed. */
  prepare(credential: C, now: Instant): PreparedRenewal<C>
  /** Gets the next tokens from upstream, whole pipeline included. */
  renew(order: RenewalCall<C>): Promise<RenewalResult<C>>
  /** What a failed call leaves of the credential. */
  afterFailure(prepared: PreparedRenewal<C>, error: GuestpassError, now: Instant): FailureResult<C>
  /** The events of what is written down before the call. */
  startEvents(before: C, after: C, about: EventContext, now: Instant): readonly Event[]
  /** The events of a failed call, and of what it leaves. */
  failureEvents(failure: FailedRenewal<C>): readonly Event[]
}
