import type { DocumentKind } from '../mirror/copy.ts'
import { DocumentFault } from '../mirror/fault.ts'
import { judgeJwk } from './key-rules.ts'
import type { Jwk, KeyMaker, KeySet } from './keys.ts'
import { own, strictObject } from '../domain/strict-json.ts'

const UPSTREAM = { upstream: { status: 200 } }

const listOf = (value: unknown): readonly Jwk[] | undefined =>
  Array.isArray(value) ? (value as readonly Jwk[]) : undefined

/** The usable ones of the keys, reduced to what is needed: a private key that was published by mistake goes nowhere. */
const usableOf = (jwks: readonly Jwk[]): readonly Jwk[] =>
  jwks.flatMap((jwk) => {
    const judged = judgeJwk(jwk)
    if (typeof judged === 'string') return []
    const { kid } = judged
    return [{ ...judged.jwk, ...(kid === undefined ? {} : { kid }) }]
  })

function read(bytes: Uint8Array): readonly Jwk[] {
  const body = strictObject(bytes)
  const keys = body && listOf(own(body, 'keys'))
  if (!keys) throw new DocumentFault('its answer is no JSON object with a list of keys', UPSTREAM)
  if (keys.length === 0) throw new DocumentFault('its list of keys is empty', UPSTREAM)
  return usableOf(keys)
}

const identity = (jwks: readonly Jwk[]): string => JSON.stringify(jwks.map((jwk) => JSON.stringify(jwk)).sort())

/** A key-set (RFC 7517, section 5) as a mirrored document: the set before where the keys are the same, else one of a new generation. */
export const keySetDocument = (maker: KeyMaker): DocumentKind<readonly Jwk[], KeySet> => ({
  document: 'key-set',
  subject: 'The signing keys',
  code: 'keys_unavailable',
  accept: 'application/jwk-set+json, application/json',
  read,
  toFact: (keys) => ({ keys }),
  fromFact: ({ keys }) => {
    const list = listOf(keys)
    return list && usableOf(list)
  },
  async make(jwks, before) {
    if (before && identity(before.content) === identity(jwks)) return before.value
    const keys = (await Promise.all(jwks.map((jwk) => maker.fromJwk(jwk)))).flat()
    if (keys.length === 0) throw new DocumentFault('none of its keys can be used to check signatures', UPSTREAM)
    return { generation: (before?.value.generation ?? 0) + 1, keys }
  },
})
