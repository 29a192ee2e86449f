import type { GuestCredential } from '../../domain/credential.ts'
import { createTryLog } from '../../domain/events/tries.ts'
import { refreshCompleted, tokenIssued } from '../../domain/events/guest-tokens.ts'
import { tokenEnd } from '../../domain/plan.ts'
import type { Millis } from '../../domain/time.ts'
import type { Meter } from '../../ports/meter.ts'
import type { Random } from '../../ports/random.ts'
import type { RenewalCall, RenewalResult } from '../../tokens/renewal/strategy.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import type { TryHooks } from '../../upstream/try-hooks.ts'
import type { Claims } from '../../verify/verdict.ts'
import type { AcceptedTokens, TokenAcceptor, TokenRequirements } from './accept-tokens.ts'

export interface RequestedTokens extends RenewalResult<GuestCredential> {
  /** Empty for an opaque token. */
  readonly claims: Claims
  readonly latencyMs: Millis
}

/**
 * One request for a token: the guest, the context of the caller, and the store's time, which runs on during
 * the call.
 */
export type TokenCall = Pick<RenewalCall<GuestCredential>, 'credential' | 'about' | 'now' | 'hooks' | 'context'>

/** The event, the counter and the timer of a token operation. */
interface TokenOperation {
  readonly event: typeof tokenIssued | typeof refreshCompleted
  readonly counter: string
  readonly timer: string
}
export const MINT: TokenOperation = {
  event: tokenIssued,
  counter: 'guest_token_issued',
  timer: 'guest_token_latency',
}
export const REFRESH: TokenOperation = {
  event: refreshCompleted,
  counter: 'guest_token_refreshed',
  timer: 'guest_refresh_latency',
}

interface TokenRequest<G extends GrantedTokens> {
  readonly operation: TokenOperation
  readonly requirements: Omit<TokenRequirements, 'sentAt'>
  readonly send: (hooks: TryHooks) => Promise<G>
  /** What the answer changes in the credential besides the tokens. */
  readonly changes?: (granted: G) => Partial<GuestCredential>
}

/** Requests the tokens of a guest, accepts them, and makes the event. */
export type RequestTokens = <G extends GrantedTokens>(
  call: TokenCall,
  request: TokenRequest<G>,
) => Promise<RequestedTokens>

export function createRequestTokens(
  acceptor: TokenAcceptor,
  { meter, random }: { readonly meter: Meter; readonly random: Random },
): RequestTokens {
  return async ({ credential, about, now, hooks }, { operation, requirements, send, changes }) => {
    const started = now()
    const tries = createTryLog(hooks.onFailedTry)
    let sentAt = started
    const granted = await send({
      ...hooks,
      onFailedTry: tries.onFailedTry,
      onSend() {
        hooks.onSend()
        sentAt = now()
      },
    })
    const accepted: AcceptedTokens = await acceptor.accept(credential, granted, { ...requirements, sentAt }, now)
    const latencyMs = now() - started
    meter.count(operation.counter)
    meter.time(operation.timer, latencyMs)
    const { tokens } = accepted.credential
    const expiresAt = tokenEnd(tokens)
    const facts = {
      guest: credential,
      verified: tokens.verified,
      expiresAt,
      tries: tries.data(),
      latencyMs,
      statusCode: granted.status,
    }
    return {
      ...accepted,
      credential: { ...accepted.credential, ...changes?.(granted) },
      latencyMs,
      events: [operation.event(about, { id: random.uuid(), at: now(), ...facts })],
    }
  }
}
