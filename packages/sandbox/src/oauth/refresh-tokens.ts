import type { Clock } from '../clock.ts'
import type { Randomness } from '../random.ts'
import { forgetExpired } from './expiry.ts'
import type { TokenFamily } from './token-family.ts'
import type { TokenAnswer } from './token.ts'

/** A refresh token that was issued, dead or alive. */
export interface RefreshToken {
  readonly family: TokenFamily
  /** Milliseconds: 30 days after it was issued or last used. */
  readonly expiresAt: number
  /** How often it has come in, whatever was answered. */
  readonly presented: number
  /** What it was exchanged for, and when. */
  readonly spent?: { readonly at: number; readonly answer: Promise<TokenAnswer> }
}

export interface RefreshTokens {
  issue(family: TokenFamily): string
  find(text: string): RefreshToken | undefined
  /** Counts a presentation. Undefined when no such token was issued here, or it lapsed unused. */
  present(text: string): RefreshToken | undefined
  /** From now on only its answer is known. */
  spend(text: string, answer: Promise<TokenAnswer>): void
  /** Used and kept: it has another 30 days. */
  prolong(text: string): void
}

const IDLE_MS = 30 * 86_400_000

export function createRefreshTokens({ clock, random }: { clock: Clock; random: Randomness }): RefreshTokens {
  const issued = new Map<string, RefreshToken>()
  const change = (text: string, how: (token: RefreshToken) => RefreshToken): RefreshToken | undefined => {
    const token = issued.get(text)
    if (token === undefined || token.expiresAt <= clock.now()) return undefined
    const changed = how(token)
    issued.set(text, changed)
    return changed
  }
  return {
    issue: (family) => {
      const text = random.secret(32)
      forgetExpired(issued, clock.now())
      issued.set(text, { family, presented: 0, expiresAt: clock.now() + IDLE_MS })
      return text
    },
    find: (text) => issued.get(text),
    present: (text) => change(text, (token) => ({ ...token, presented: token.presented + 1 })),
    spend: (text, answer) => {
      change(text, (token) => ({ ...token, spent: { at: clock.now(), answer } }))
    },
    prolong: (text) => {
      const token = issued.get(text)
      // Taken out first, so that it goes to the end and the order of expiry holds.
      if (token !== undefined && issued.delete(text)) issued.set(text, { ...token, expiresAt: clock.now() + IDLE_MS })
    },
  }
}
