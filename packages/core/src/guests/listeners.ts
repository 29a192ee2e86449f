import type { Secret } from '../domain/secret.ts'
import type { Instant, Millis } from '../domain/time.ts'
import type { Claims } from '../verify/verdict.ts'

/** A guest token that was verified and stored just now: what a chat SDK needs to start. */
export interface TokenReady {
  readonly guestId: string
  readonly token: Secret
  readonly tokenIssuedAt: Instant
  readonly latencyMs: Millis
  /** Tokens issued among those asked for in this process, 0 to 1. */
  readonly successRate: number
  readonly claims: Claims
}

export type Listener = (ready: TokenReady) => void | Promise<void>

export interface Listeners {
  /** Adds a listener; the answer takes it off again. */
  add(listener: Listener): () => void
  /** Tells all of them and waits for none; one that throws or rejects is told to `onFault` and harms nobody. */
  tell(ready: TokenReady): void
}

export function listeners(onFault: (fault: unknown) => void): Listeners {
  const all = new Set<Listener>()
  return {
    add(listener) {
      all.add(listener)
      return () => void all.delete(listener)
    },
    tell(ready) {
      for (const listener of all) {
        ;(async () => listener(ready))()
          .catch(onFault)
          .catch(() => {})
      }
    },
  }
}
