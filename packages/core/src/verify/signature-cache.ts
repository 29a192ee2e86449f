import type { Claims } from './verdict.ts'

/** A token whose form and signature are right under one generation of keys. No other check is remembered. */
export interface CachedToken {
  readonly claims: Claims
  /** The media type of the header, see `mediaType`. */
  readonly type: string | undefined
  /** The SHA-256 of the signed text. */
  readonly digest: string
  /** Canonical base64url. A text has one digest, and may have several signatures. */
  readonly signature: string
  /**
   * The generation of the keys under which the signature is right. The entry holds for no other generation.
   */
  readonly generation: number
  /** Set when it is first needed. */
  fingerprint?: string
}

/**
 * Tokens by the end of their signature, which is cheap to compare; the digest decides. `once`: the token was
 * seen one time, and is not worth an entry yet.
 */
export interface SignatureCache {
  find(end: string): CachedToken | 'once' | undefined
  keep(end: string, token: CachedToken | 'once'): void
}

/**
 * How many characters of the signature are the key: few enough to be copied, so that the token is not kept in
 * memory.
 */
const TAIL = 12

/** The end of a token, by which the cache finds it. */
export const signatureTail = (token: string): string => token.slice(-TAIL)

/** A copy of a text. A part of a longer text would keep all of it in memory, here the whole token. */
export const detachedCopy = (text: string): string => ` ${text}`.slice(1)

/**
 * Makes a cache of about the `max` tokens that were used last, never more. It has two halves instead of an
 * ordered list, so that most hits cost one look-up. An entry that is found in the old half moves to the young
 * one; a full young half becomes the old one.
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
