import type { Credential } from '../../domain/credential.ts'
import { event, type EventType } from '../../domain/events/event.ts'
import type { Millis } from '../../domain/time.ts'
import type { Meter } from '../../ports/meter.ts'
import type { Random } from '../../ports/random.ts'
import type { RenewalCall, RenewalResult } from '../../tokens/renewal/strategy.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import type { TryHooks } from '../../upstream/try-hooks.ts'
import type { Claims } from '../../verify/verdict.ts'
import type { AcceptedTokens, TokenAcceptor, TokenRequirements } from './accept-tokens.ts'

export interface RequestedTokens extends RenewalResult {
  /** Empty for an opaque token. */
  readonly claims: Claims
  readonly latencyMs: Millis
}

/** Who asks for a token, for which guest, and the store's time, counted on while the call runs. */
export type TokenCall = Pick<RenewalCall, 'credential' | 'about' | 'now' | 'hooks' | 'context'>

/** What a token set is called in counters and events. */
export interface TokenOperation {
  readonly type: EventType
  readonly counter: string
  readonly timer: string
}
export const MINT: TokenOperation = {
  type: 'TOKEN_GENERATED_SUCCESS',
  counter: 'guest_token_issued',
  timer: 'guest_token_latency',
}
export const REFRESH: TokenOperation = {
  type: 'REFRESH_COMPLETED',
  counter: 'guest_token_refreshed',
  timer: 'guest_refresh_latency',
}

export interface TokenRequest<G extends GrantedTokens> {
  readonly operation: TokenOperation
  readonly requirements: Omit<TokenRequirements, 'sentAt'>
  readonly send: (hooks: TryHooks) => Promise<G>
  /** What the answer changes besides the tokens. */
  readonly changes?: (granted: G) => Partial<Credential>
}

/** Asks upstream for the tokens of a guest, receives them, and words what came of it. */
export type RequestTokens = <G extends GrantedTokens>(
  order: TokenCall,
  wanted: TokenRequest<G>,
) => Promise<RequestedTokens>

export function createRequestTokens(
  reception: TokenAcceptor,
  { meter, random }: { readonly meter: Meter; readonly random: Random },
): RequestTokens {
  return async (
    { credential, about, now, hooks },
    { operation: words, requirements: terms, send: ask, changes: takes },
  ) => {
    const started = now()
    let sentAt = started
    const granted = await ask({
      ...hooks,
      onSend() {
        hooks.onSend()
        sentAt = now()
      },
    })
    const received: AcceptedTokens = await reception.accept(credential, granted, { ...terms, sentAt }, now)
    const latencyMs = now() - started
    meter.count(words.counter)
    meter.time(words.timer, latencyMs)
    const { verified } = received.credential.tokens
    const told = event(about, random.uuid(), now(), {
      type: words.type,
      outcome: 'success',
      generation: credential.generation + 1,
      latencyMs,
      statusCode: granted.status,
      ...(credential.intent && words === REFRESH ? { idempotencyKey: credential.intent.id } : {}),
      data: { api: credential.api, ...credential.request, verified },
    })
    return {
      ...received,
      credential: { ...received.credential, ...takes?.(granted) },
      latencyMs,
      events: [told],
    }
  }
}
