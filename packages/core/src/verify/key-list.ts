import { judgeJwk } from './key-rules.ts'
import type { Jwk, KeyMaker, KeySet, LeftOutKey } from './keys.ts'

/** How many characters of an id, and how many entries, a message shows. */
const LIMITS = { characters: 60, entries: 5 }

/** The name of an entry of a key-set in messages: its kid, or its place, from 1. */
function keyName(jwk: Jwk, at: number): string {
  const kid: unknown = jwk?.kid
  return typeof kid === 'string' ? `key ${kid.slice(0, LIMITS.characters)}` : `key ${at + 1}`
}

export const leftOutEntry = (jwk: Jwk, at: number, why: string): LeftOutKey => ({
  name: keyName(jwk, at),
  why,
  ...(typeof jwk?.kid === 'string' ? { kid: jwk.kid } : {}),
})

const whyNot = (jwk: Jwk): string => {
  const judged = judgeJwk(jwk)
  return typeof judged === 'string' ? judged : 'its numbers make no key'
}

/** Imports a list of JSON Web Keys. `leftOut` names the entries that are not used, with the reason. */
export async function importKeys(
  jwks: readonly Jwk[],
  maker: KeyMaker,
): Promise<Required<Pick<KeySet, 'keys' | 'leftOut'>>> {
  const made = await Promise.all(jwks.map((jwk) => maker.fromJwk(jwk)))
  const isLeftOut = (at: number): boolean => made[at]?.length === 0
  return {
    keys: made.flat(),
    leftOut: jwks.flatMap((jwk, at) => (isLeftOut(at) ? [leftOutEntry(jwk, at, whyNot(jwk))] : [])),
  }
}

/**
 * Which entries of a key-set are not used, and why, as one clause for messages; empty for no entries. It
 * names the first five.
 */
export function leftOutText(leftOut: readonly LeftOutKey[]): string {
  const more = leftOut.length - LIMITS.entries
  const named = leftOut.slice(0, LIMITS.entries).map(({ name, why }) => `${name}: ${why}`)
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}
