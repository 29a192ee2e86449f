import { DAY, type Instant } from '../domain/time.ts'
import type { Issued } from '../ports/store.ts'

interface Remembered extends Issued {
  readonly denied: boolean
}

/** Tokens issued on a connection, until they expire. */
export interface IssuedTokens {
  /** A token that was denied stays denied when it is remembered again. */
  remember(tokens: readonly Issued[], now: Instant): void
  deny(credential: string): void
  knows(fingerprint: string, now: Instant): boolean
  denied(fingerprint: string, now: Instant): boolean
}

/** Tokens beyond which those that have expired are forgotten. */
const SWEEP_FROM = 1_000

export function issuedTokens(): IssuedTokens {
  const tokens = new Map<string, Remembered>()
  const ofCredential = new Map<string, Set<string>>()
  let sweepAt = SWEEP_FROM

  const forget = (token: Issued): void => {
    tokens.delete(token.fingerprint)
    const siblings = ofCredential.get(token.credential)
    siblings?.delete(token.fingerprint)
    if (siblings?.size === 0) ofCredential.delete(token.credential)
  }

  const living = (fingerprint: string, now: Instant): Remembered | undefined => {
    const token = tokens.get(fingerprint)
    return token && token.expiresAt > now ? token : undefined
  }

  const sweep = (now: Instant): void => {
    // A day late, so that a clock set forward by mistake does not forget a denial.
    for (const token of tokens.values()) if (token.expiresAt + DAY <= now) forget(token)
    sweepAt = Math.max(SWEEP_FROM, tokens.size * 2)
  }

  return {
    remember(issued, now) {
      for (const token of issued) {
        const denied = tokens.get(token.fingerprint)?.denied ?? false
        tokens.set(token.fingerprint, { ...token, denied })
        const siblings = ofCredential.get(token.credential) ?? new Set()
        ofCredential.set(token.credential, siblings.add(token.fingerprint))
      }
      if (tokens.size >= sweepAt) sweep(now)
    },
    deny(credential) {
      for (const fingerprint of ofCredential.get(credential) ?? []) {
        const token = tokens.get(fingerprint)
        if (token) tokens.set(fingerprint, { ...token, denied: true })
      }
    },
    knows: (fingerprint, now) => living(fingerprint, now) !== undefined,
    denied: (fingerprint, now) => living(fingerprint, now)?.denied ?? false,
  }
}
