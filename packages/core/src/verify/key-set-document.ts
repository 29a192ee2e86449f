import type { DocumentFormat } from '../mirror/document-format.ts'
import { DocumentFault } from '../mirror/document-fault.ts'
import { ownMember, strictObject } from '../domain/strict-json.ts'
import { importKeys, leftOutEntry, leftOutText } from './key-list.ts'
import { judgeJwk, type UsableJwk } from './key-rules.ts'
import type { Jwk, KeyMaker, KeySet, LeftOutKey } from './keys.ts'

/** The keys of a key-set as JSON: public numbers and ids only. */
interface KeySetContent {
  readonly keys: readonly Jwk[]
  readonly leftOut: readonly LeftOutKey[]
}

const UPSTREAM = { upstream: { status: 200 } }

/** A key with the members that are needed. An RSA key has an algorithm where it names one. */
const reduced = ({ jwk, kid, algorithms }: UsableJwk): Jwk => ({
  ...jwk,
  ...(kid === undefined ? {} : { kid }),
  ...(jwk.kty === 'RSA' && algorithms.length === 1 ? { alg: algorithms[0] } : {}),
})

/**
 * The usable keys, with the members that are needed, so that a private key that was published by mistake is
 * not stored.
 */
function usableKeys(jwks: readonly Jwk[]): KeySetContent {
  const judged = jwks.map((jwk, at) => ({ jwk, at, found: judgeJwk(jwk) }))
  return {
    keys: judged.flatMap(({ found }) => (typeof found === 'string' ? [] : [reduced(found)])),
    leftOut: judged.flatMap(({ jwk, at, found }) => (typeof found === 'string' ? [leftOutEntry(jwk, at, found)] : [])),
  }
}

function read(bytes: Uint8Array): KeySetContent {
  const body = strictObject(bytes)
  const keys = body && ownMember(body, 'keys')
  if (!Array.isArray(keys)) throw new DocumentFault('its answer is no JSON object with a list of keys', UPSTREAM)
  if (keys.length === 0) throw new DocumentFault('its list of keys is empty', UPSTREAM)
  return usableKeys(keys as readonly Jwk[])
}

const isLeftOut = (value: unknown): value is LeftOutKey => {
  if (typeof value !== 'object' || value === null) return false
  const { kid, name, why } = value as Partial<Record<keyof LeftOutKey, unknown>>
  return typeof name === 'string' && typeof why === 'string' && ['string', 'undefined'].includes(typeof kid)
}

function fromFact({ keys, leftOut }: Readonly<Record<string, unknown>>): KeySetContent | undefined {
  if (!Array.isArray(keys)) return undefined
  const found = usableKeys(keys as readonly Jwk[])
  return { ...found, leftOut: Array.isArray(leftOut) ? leftOut.filter(isLeftOut) : [] }
}

/** Equal for equal keys in any order. */
const identity = (list: readonly object[]): string => JSON.stringify(list.map((one) => JSON.stringify(one)).sort())
const isSame = (one: KeySetContent, other: KeySetContent): boolean => identity(one.keys) === identity(other.keys)

/** A key-set (RFC 7517, section 5) as a mirrored document. Its generation grows when the keys change. */
export const keySetDocument = (maker: KeyMaker): DocumentFormat<KeySetContent, KeySet> => ({
  document: 'key-set',
  subject: 'The signing keys',
  code: 'keys_unavailable',
  remedy: 'Check that the URL of the key-set is right and can be reached from here',
  accept: 'application/jwk-set+json, application/json',
  read,
  toFact: ({ keys, leftOut }) => ({ keys, ...(leftOut.length === 0 ? {} : { leftOut }) }),
  fromFact,
  async make(content, before) {
    if (before && isSame(content, before.content)) {
      if (identity(content.leftOut) === identity(before.content.leftOut)) return before.value
      const byPlatform = (before.value.leftOut ?? []).filter((one) => !before.content.leftOut.includes(one))
      return { ...before.value, leftOut: [...content.leftOut, ...byPlatform] }
    }
    const made = await importKeys(content.keys, maker)
    const leftOut = [...content.leftOut, ...made.leftOut]
    if (made.keys.length > 0) return { generation: (before?.value.generation ?? 0) + 1, keys: made.keys, leftOut }
    throw new DocumentFault(`none of its keys can be used to check signatures (${leftOutText(leftOut)})`, UPSTREAM)
  },
})
