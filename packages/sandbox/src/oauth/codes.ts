import type { Clock } from '../clock.ts'
import type { Randomness } from '../random.ts'
import { forgetExpired } from './expiry.ts'
import type { TokenFamily } from './token-family.ts'
import type { SignInTerms } from './token-issuer.ts'

/** What an authorization code stands for. */
export interface CodeTerms extends SignInTerms {
  readonly redirectUri: string
  /** S256 of the verifier (RFC 7636); absent where a client with a secret went without. */
  readonly challenge?: string | undefined
}

/** An authorization code that was issued. */
export interface AuthorizationCode {
  readonly terms: CodeTerms
  /** Milliseconds. */
  readonly expiresAt: number
  /** What it was exchanged for. */
  readonly family?: TokenFamily
}

export interface AuthorizationCodes {
  issue(terms: CodeTerms): string
  find(text: string): AuthorizationCode | undefined
  /** Exchanged: from now on it only tells that somebody has it twice. */
  spend(text: string, family: TokenFamily): void
}

/** How long a code is remembered after it expired, because a second presentation must still end what it gave. */
const REMEMBERED_MS = 86_400_000

/** `lifetimeMs`: milliseconds that a code may wait. */
export function createAuthorizationCodes({
  clock,
  random,
  lifetimeMs,
}: {
  clock: Clock
  random: Randomness
  lifetimeMs: number
}): AuthorizationCodes {
  const issued = new Map<string, AuthorizationCode>()
  return {
    issue: (terms) => {
      const text = random.secret(32)
      forgetExpired(issued, clock.now(), REMEMBERED_MS)
      issued.set(text, { terms, expiresAt: clock.now() + lifetimeMs })
      return text
    },
    find: (text) => issued.get(text),
    spend: (text, family) => {
      const code = issued.get(text)
      if (code !== undefined) issued.set(text, { ...code, family })
    },
  }
}
