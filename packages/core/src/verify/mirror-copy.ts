import type { Instant, Millis } from '../domain/time.ts'
import { judgeJwk } from './key-rules.ts'
import type { Jwk, KeyMaker, KeySet } from './keys.ts'

/** Keys mirrored from a URL. */
export interface Copy {
  readonly set: KeySet
  /** The usable keys as JSON can hold them: public numbers and ids only. */
  readonly jwks: readonly Jwk[]
  readonly etag?: string | undefined
  /** Milliseconds since the URL last confirmed the keys. */
  readonly age: () => Millis
  /** The age at which the URL is asked again. */
  readonly dueAt: Millis
}

/** A copy as a store remembers it between processes. */
export interface KeysFact {
  readonly url: string
  /** Wall time of the confirmation. */
  readonly at: Instant
  readonly etag?: string | undefined
  readonly keys: readonly Jwk[]
}

/** A remembered copy of this URL; undefined for anything else that may be in its place. */
export function readFact(value: unknown, url: string): KeysFact | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fact = value as Partial<KeysFact>
  const isWhole = fact.url === url && Number.isFinite(fact.at) && Array.isArray(fact.keys)
  return isWhole && ['string', 'undefined'].includes(typeof fact.etag) ? (fact as KeysFact) : undefined
}

/** The usable ones of the keys, reduced to what is needed: a private key that was published by mistake goes nowhere. */
export const usableOf = (jwks: readonly Jwk[]): readonly Jwk[] =>
  jwks.flatMap((jwk) => {
    const judged = judgeJwk(jwk)
    if (typeof judged === 'string') return []
    const { kid } = judged
    return [{ ...judged.jwk, ...(kid === undefined ? {} : { kid }) }]
  })

const identity = (jwks: readonly Jwk[]): string => JSON.stringify(jwks.map((jwk) => JSON.stringify(jwk)).sort())

/** The set of these keys: the one before when the keys are the same, else one of a new generation; undefined when none is usable. */
export async function keySetOf(
  jwks: readonly Jwk[],
  before: Pick<Copy, 'set' | 'jwks'> | undefined,
  maker: KeyMaker,
): Promise<KeySet | undefined> {
  if (before && identity(before.jwks) === identity(jwks)) return before.set
  const keys = (await Promise.all(jwks.map((jwk) => maker.fromJwk(jwk)))).flat()
  return keys.length === 0 ? undefined : { generation: (before?.set.generation ?? 0) + 1, keys }
}
