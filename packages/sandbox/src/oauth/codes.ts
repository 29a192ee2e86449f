import type { Clock } from '../clock.ts'
import type { Randomness } from '../random.ts'
import { forgetExpired } from './expiry.ts'
import type { Family } from './family.ts'
import type { SignIn } from './issuance.ts'

/** What an authorization code stands for. */
export interface CodeTerms extends SignIn {
  readonly redirectUri: string
  /** S256 of the verifier (RFC 7636); absent where a client with a secret went without. */
  readonly challenge?: string | undefined
}

/** An authorization code that was issued. */
export interface Code {
  readonly terms: CodeTerms
  /** Milliseconds. */
  readonly expiresAt: number
  /** What it was exchanged for. */
  readonly family?: Family
}

export interface Codes {
  issue(terms: CodeTerms): string
  find(text: string): Code | undefined
  /** Exchanged: from now on it only tells that somebody has it twice. */
  spend(text: string, family: Family): void
}

/** How long a code is remembered after it expired, because a second presentation must still end what it gave. */
const DAY = 86_400_000

/** `lifetimeMs`: milliseconds that a code may wait. */
export function codes({ clock, random, lifetimeMs }: { clock: Clock; random: Randomness; lifetimeMs: number }): Codes {
  const issued = new Map<string, Code>()
  return {
    issue: (terms) => {
      const text = random.text(32)
      forgetExpired(issued, clock.now(), DAY)
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
