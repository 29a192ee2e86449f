import type { Secret } from '../../domain/secret.ts'
import type { Millis } from '../../domain/time.ts'
import type { Claims } from '../../verify/verdict.ts'

/** The event of a guest token that is verified and stored: what a chat SDK needs besides the token. */
export interface TokenReady {
  /** The guest. */
  readonly guestId: string
  /** `issued`: the result of `issue`, or the first token. `refreshed`: it replaces the token before. */
  readonly kind: 'issued' | 'refreshed'
  /** The number of the token, from 1: each renewal adds one. */
  readonly generation: number
  /** When the token was requested, as ISO 8601 in UTC. */
  readonly tokenIssuedAt: string
  /** How long the request took, waits and retries included, in milliseconds with one decimal. */
  readonly latencyMs: Millis
  /** The share of token requests of this process that succeeded, in percent with one decimal. */
  readonly successRate: number
  /** The verified claims. Empty for an opaque token. */
  readonly claims: Claims
}

/**
 * A function that gets guest tokens, for `Guests.onTokenReady` and `onReady`. What it returns is not used; its errors,
 * also those of a promise, fail no call.
 */
export type TokenListener = (event: TokenReady, token: Secret) => unknown

/** The part of a call's context that names a listener for its token. */
export interface ReadyContext {
  /** Called once with the token of this call, before the call resolves. The call does not wait for it. */
  readonly onReady?: TokenListener | undefined
}

export interface Listeners {
  /** Adds a listener, and returns a function that removes it. */
  add(listener: TokenListener): () => void
  /** Calls all listeners, and waits for none. */
  notify(event: TokenReady, token: Secret): void
  /** Calls one listener, added or not, and does not wait for it. */
  call(listener: TokenListener, event: TokenReady, token: Secret): void
}

/** Makes a list of listeners. `onFault` gets what a listener throws or rejects with. */
export function createListeners(onFault: (fault: unknown) => void): Listeners {
  const all = new Set<TokenListener>()
  const call: Listeners['call'] = (listener, event, token) => {
    ;(async () => listener(event, token))()
      .catch(onFault)
      .catch(() => {})
  }
  return {
    add(listener) {
      all.add(listener)
      return () => void all.delete(listener)
    },
    notify(event, token) {
      for (const listener of all) call(listener, event, token)
    },
    call,
  }
}
