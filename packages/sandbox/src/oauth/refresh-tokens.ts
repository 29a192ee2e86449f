import type { Clock } from '../clock.ts'
import type { Randomness } from '../random.ts'
import { forgetExpired } from './expiry.ts'
import type { TokenFamily } from './token-family.ts'
import type { TokenAnswer } from './token.ts'

/** A refresh token that was issued, also if it is spent or expired. */
export interface RefreshToken {
  readonly family: TokenFamily
  /** Milliseconds since the epoch: 30 days after it was issued or last used. */
  readonly expiresAt: number
  /** How often it was presented, with any answer. */
  readonly presented: number
  /** The answer that it was exchanged for, and when. */
  readonly spent?: { readonly at: number; readonly answer: Promise<TokenAnswer> }
}

export interface RefreshTokens {
  issue(family: TokenFamily): string
  find(text: string): RefreshToken | undefined
  /** Counts a presentation. Returns undefined if no such token was issued here, or it has expired. */
  present(text: string): RefreshToken | undefined
  /** Marks a token as spent, and remembers its answer. */
  spend(text: string, answer: Promise<TokenAnswer>): void
  /** Prolongs a token that is used and not rotated by 30 days. */
  prolong(text: string): void
}

/** 30 days, as the platform. */
const IDLE_MS = 30 * 86_400_000

export function createRefreshTokens({ clock, random }: { clock: Clock; random: Randomness }): RefreshTokens {
  const issued = new Map<string, RefreshToken>()
  const change = (text: string, update: (token: RefreshToken) => RefreshToken): RefreshToken | undefined => {
    const token = issued.get(text)
    if (token === undefined || token.expiresAt <= clock.now()) return undefined
    const changed = update(token)
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
      // Removed first, so that it goes to the end and the entries stay in the order of their expiry.
      if (token !== undefined && issued.delete(text)) issued.set(text, { ...token, expiresAt: clock.now() + IDLE_MS })
    },
  }
}
