import type { Claims } from './verdict.ts'

/** A token whose form and signature were right under one generation of keys. Nothing else about it is remembered. */
export interface Remembered {
  readonly claims: Claims
  /** Canonical base64url. What was signed has one digest; the same may be signed in several ways. */
  readonly signature: string
  /** The generation of the keys that the signature is right under; under another one the entry says nothing. */
  readonly generation: number
  /** Filled in when it is first asked for. */
  fingerprint?: string
}

/** Signed tokens by the digest of what was signed. */
export interface Memory {
  find(digest: string): Remembered | undefined
  keep(digest: string, token: Remembered): void
}

/** The text in memory of its own: a part of a longer text would keep all of it, the whole token here. */
export const detached = (text: string): string => ` ${text}`.slice(1)

/**
 * Remembers about the `max` tokens used last, never more. Two halves instead of one ordered list: what is found in the old
 * half moves to the young one, and a full young half becomes the old one, so that a hit mostly costs one look.
 */
export function memory(max: number): Memory {
  const half = Math.max(Math.floor(max / 2), 1)
  let young = new Map<string, Remembered>()
  let old = new Map<string, Remembered>()
  const keep = (digest: string, token: Remembered): void => {
    if (young.size >= half) {
      old = half < max ? young : new Map()
      young = new Map()
    }
    young.set(digest, token)
  }
  const findOld = (digest: string): Remembered | undefined => {
    const token = old.get(digest)
    if (token) keep(digest, token)
    return token
  }
  return { find: (digest) => young.get(digest) ?? findOld(digest), keep }
}
