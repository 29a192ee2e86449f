import type { Clock } from '../clock.ts'
import type { Randomness } from '../random.ts'
import { forgetExpired } from './expiry.ts'
import type { TokenFamily } from './token-family.ts'
import type { SignInTerms } from './token-issuer.ts'

/** The terms of the sign-in for which an authorization code was issued. */
interface CodeTerms extends SignInTerms {
  readonly redirectUri: string
  /** The S256 challenge (RFC 7636). Absent if a client with a secret sent none. */
  readonly challenge?: string | undefined
}

/** An authorization code that was issued. */
export interface AuthorizationCode {
  readonly terms: CodeTerms
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** The sign-in that it was exchanged for. */
  readonly family?: TokenFamily
}

export interface AuthorizationCodes {
  issue(terms: CodeTerms): string
  find(text: string): AuthorizationCode | undefined
  /** Marks a code as exchanged. If it is presented again, the sign-in ends. */
  spend(text: string, family: TokenFamily): void
}

/**
 * How long an expired code is remembered, in milliseconds: a second presentation must still end its sign-in.
 */
const REMEMBERED_MS = 86_400_000

/** `lifetimeMs`: lifetime of a code in milliseconds. */
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
