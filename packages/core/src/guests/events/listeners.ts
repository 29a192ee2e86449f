import type { Secret } from '../../domain/secret.ts'
import type { Millis } from '../../domain/time.ts'
import type { Claims } from '../../verify/verdict.ts'

/** What is said of a guest token that was verified and stored: what a chat SDK needs to start, besides the token. */
export interface TokenReady {
  readonly guestId: string
  /** `issued`: made for the guest; `refreshed`: in the place of the one before. */
  readonly kind: 'issued' | 'refreshed'
  readonly generation: number
  /** When it was asked for, ISO 8601 in UTC. */
  readonly tokenIssuedAt: string
  /** How long it took, waits and repeats included: milliseconds, one decimal, as in the audit record. */
  readonly latencyMs: Millis
  /** Tokens that came of those asked for in this process: percent, one decimal. */
  readonly successRate: number
  /** Empty for an opaque token. */
  readonly claims: Claims
}

/** Called with each token. What it throws or rejects with fails no call. */
export type Listener = (event: TokenReady, token: Secret) => void | Promise<void>

/** The part of a call's context that receives its token. */
export interface ReadyContext {
  /** Called once with the token that this call gives, before the call resolves. */
  readonly onReady?: Listener | undefined
}

export interface Listeners {
  /** Adds a listener; the answer takes it off again. */
  add(listener: Listener): () => void
  /** Calls all of them and waits for none. */
  notify(event: TokenReady, token: Secret): void
  /** Calls one listener, whether it was added or not, and does not wait for it. */
  call(listener: Listener, event: TokenReady, token: Secret): void
}

/** What a listener throws or rejects with goes to `onFault`. */
export function createListeners(onFault: (fault: unknown) => void): Listeners {
  const all = new Set<Listener>()
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
