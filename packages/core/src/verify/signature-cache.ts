import type { Claims } from './verdict.ts'

/** A token whose form and signature were right under one generation of keys. Nothing else about it is remembered. */
export interface CachedToken {
  readonly claims: Claims
  /** The media type of the header, see `mediaType`. */
  readonly type: string | undefined
  /** SHA-256 of what was signed. */
  readonly digest: string
  /** Canonical base64url. What was signed has one digest; the same may be signed in several ways. */
  readonly signature: string
  /** The generation of the keys that the signature is right under; under another one the entry says nothing. */
  readonly generation: number
  /** Filled in when it is first asked for. */
  fingerprint?: string
}

/** Tokens by the end of their signature, a cheap first hint; the digest decides. `once`: seen, but not yet worth more. */
export interface SignatureCache {
  find(end: string): CachedToken | 'once' | undefined
  keep(end: string, token: CachedToken | 'once'): void
}

/** So many characters of a signature: few enough for a copy of their own, which does not keep the whole token in memory. */
const TAIL = 12

/** The end of a token by which it is looked for. */
export const signatureTail = (token: string): string => token.slice(-TAIL)

/** The text in memory of its own: a part of a longer text would keep all of it, the whole token here. */
export const detachedCopy = (text: string): string => ` ${text}`.slice(1)

/**
 * Remembers about the `max` tokens used last, never more. Two halves instead of one ordered list: what is found in the old
 * half moves to the young one, and a full young half becomes the old one, so that a hit mostly costs one look.
 */
export function createSignatureCache(max: number): SignatureCache {
  const halfSize = Math.max(Math.floor(max / 2), 1)
  let young = new Map<string, CachedToken | 'once'>()
  let old = new Map<string, CachedToken | 'once'>()
  const keep = (end: string, token: CachedToken | 'once'): void => {
    if (young.size >= halfSize && !young.has(end)) {
      old = halfSize < max ? young : new Map()
      young = new Map()
    }
    young.set(end, token)
  }
  const findOld = (end: string): CachedToken | 'once' | undefined => {
    const token = old.get(end)
    if (token) keep(end, token)
    return token
  }
  return { find: (end) => young.get(end) ?? findOld(end), keep }
}
