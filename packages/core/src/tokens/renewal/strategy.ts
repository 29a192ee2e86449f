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
  /** With its intent. The same object as was found if nothing has to be stored. */
  readonly credential: C
  /** `send`: the call may be made. `plan`: only store the credential, and plan again. */
  readonly next: 'send' | 'plan'
  /** Whether the same request may have been sent before under this intent. */
  readonly isRetry: boolean
}

/** The credential after a failed renewal. */
export interface FailureResult<C extends Credential = Credential> {
  readonly credential: C
  /** `retry`: store the credential, and plan again. `stop`: the caller gets the failure. */
  readonly next: 'retry' | 'stop'
}

/** One call for the next tokens. */
export interface RenewalCall<C extends Credential = Credential> extends PreparedRenewal<C> {
  readonly about: EventContext
  /** The store's time, which runs on during the call. */
  readonly now: () => Instant
  readonly hooks: TryHooks
  readonly context: Context
}

/** The next tokens, and what else is stored with them. */
export interface RenewalResult<C extends Credential = Credential> {
  readonly credential: CredentialWithTokens<C>
  readonly events: readonly Event[]
  readonly issued?: readonly IssuedToken[]
  /**
   * Why the new access token cannot be used. The credential is stored all the same, because its new refresh
   * token must not be lost. Then this is thrown.
   */
  readonly fault?: GuestpassError
  /** Called after the tokens are stored, with the stored credential. */
  onStored?(stored: CredentialWithTokens<C>): void
  /** Called if another change was first, so that the tokens are not stored. Never rejects. */
  readonly onSuperseded?: () => Promise<void>
}

/** A renewal that failed. */
export interface FailedRenewal<C extends Credential = Credential> {
  readonly before: C
  /** The credential after the failure. */
  readonly after: C
  readonly error: GuestpassError
  readonly about: EventContext
  readonly now: Instant
  /** From the start of the call to its failure, waits and retries included. */
  readonly latencyMs: Millis
}

/**
 * How one kind of credential gets its next tokens. All methods but `renew` decide from plain data, without clock,
 * network or store.
 */
export interface RenewalStrategy<C extends Credential = Credential> {
  readonly kind: C['kind']
  readonly windows: RenewalWindows
  /** Whether a call uses up a refresh token, so that a process that has lost its lease must not send it. */
  isSingleUse(credential: C): boolean
  /** The credential to begin with if none is stored. Throws if a renewal cannot create it. */
  initial(now: Instant): C
  /** The members that the events of one call share. */
  about(credential: C, context: Context): EventContext
  /** What to store before the call. Throws if nothing can be renewed. */
  prepare(credential: C, now: Instant): PreparedRenewal<C>
  /** Requests the next tokens from the upstream, with the retries of the pipeline. */
  renew(call: RenewalCall<C>): Promise<RenewalResult<C>>
  /** The credential after a failed call. */
  afterFailure(prepared: PreparedRenewal<C>, error: GuestpassError, now: Instant): FailureResult<C>
  /** The events of what is stored before the call. `keyGone`: the current keys refuse the present token. */
  startEvents(before: C, after: C, about: EventContext, now: Instant, keyGone?: boolean): readonly Event[]
  /** The events of a failed call. */
  failureEvents(failure: FailedRenewal<C>): readonly Event[]
}
