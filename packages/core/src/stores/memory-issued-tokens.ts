import type { Instant } from '../domain/time.ts'
import type { IssuedToken } from '../ports/store.ts'
import { isRemovable, createSweeper } from './sweeper.ts'

export interface Remembered extends IssuedToken {
  readonly denied: boolean
}

/** Fingerprints of the tokens issued on a connection, until they expire. */
export interface MemoryIssuedTokens {
  /** Remembers tokens. A denied token stays denied if it is remembered again. */
  remember(tokens: readonly IssuedToken[], now: Instant): void
  deny(credential: string): void
  knows(fingerprint: string, now: Instant): boolean
  denied(fingerprint: string, now: Instant): boolean
  /** All tokens. Leaves out those that expired more than a day ago. */
  rows(now: Instant): readonly Remembered[]
}

/** Issued tokens that begin with the rows of another one; none by default. */
export function createMemoryIssuedTokens(initial: readonly Remembered[] = []): MemoryIssuedTokens {
  const tokens = new Map<string, Remembered>()
  const ofCredential = new Map<string, Set<string>>()

  const keep = (token: Remembered): void => {
    tokens.set(token.fingerprint, token)
    const siblings = ofCredential.get(token.credential) ?? new Set()
    ofCredential.set(token.credential, siblings.add(token.fingerprint))
  }
  for (const token of initial) keep(token)

  const forget = (token: IssuedToken): void => {
    tokens.delete(token.fingerprint)
    const siblings = ofCredential.get(token.credential)
    siblings?.delete(token.fingerprint)
    if (siblings?.size === 0) ofCredential.delete(token.credential)
  }

  const living = (fingerprint: string, now: Instant): Remembered | undefined => {
    const token = tokens.get(fingerprint)
    return token && token.expiresAt > now ? token : undefined
  }

  const swept = createSweeper(
    () => tokens.size,
    (now) => {
      for (const token of tokens.values()) if (isRemovable(token.expiresAt, now)) forget(token)
    },
  )

  return {
    remember(issued, now) {
      for (const token of issued) {
        keep({ ...token, denied: tokens.get(token.fingerprint)?.denied ?? false })
      }
      swept(now)
    },
    deny(credential) {
      for (const fingerprint of ofCredential.get(credential) ?? []) {
        const token = tokens.get(fingerprint)
        if (token) tokens.set(fingerprint, { ...token, denied: true })
      }
    },
    knows: (fingerprint, now) => living(fingerprint, now) !== undefined,
    denied: (fingerprint, now) => living(fingerprint, now)?.denied ?? false,
    rows: (now) => [...tokens.values()].filter(({ expiresAt }) => !isRemovable(expiresAt, now)),
  }
}
