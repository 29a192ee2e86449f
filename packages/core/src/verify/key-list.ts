import { judgeJwk } from './key-rules.ts'
import type { Jwk, KeyMaker, KeySet, LeftOutKey } from './keys.ts'

/** So many characters of an id, and so many entries, are shown. */
const LIMITS = { characters: 60, entries: 5 }

/** What an entry of a key-set is called in messages. */
export function keyName(jwk: Jwk, at: number): string {
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

/** The keys of a list of JSON Web Keys, and those that are left out. */
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

/** Which entries are left out, and why, as one clause; empty where none is. */
export function leftOutText(leftOut: readonly LeftOutKey[]): string {
  const more = leftOut.length - LIMITS.entries
  const named = leftOut.slice(0, LIMITS.entries).map(({ name, why }) => `${name}: ${why}`)
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}
