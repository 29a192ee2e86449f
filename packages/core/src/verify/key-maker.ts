import { judgeJwk, type UsableJwk } from './key-rules.ts'
import type { KeyMaker, VerifyKey } from './keys.ts'
import { pemKeys, unusablePem } from './pem.ts'
import type { Algorithm } from './verdict.ts'

type Check = VerifyKey['verify']

/**
 * Lengths of signatures, in bytes: r and s of P-256 (RFC 7518, section 3.4), R and S of Ed25519 (RFC 8032,
 * section 5.1.6).
 */
const LENGTHS: Readonly<Partial<Record<Algorithm, number>>> = { ES256: 64, EdDSA: 64 }

/** How a platform imports keys. The rules for keys are the same on all platforms. */
export interface Importer {
  /** Makes the check of a signature under a key. Rejects when the platform cannot import the key. */
  check(key: UsableJwk, algorithm: Algorithm): Promise<Check>
}

/** The numbers of a key as text, by which equal keys are found. */
const materialOf = ({ jwk }: UsableJwk): string => JSON.stringify(jwk)

const exactly =
  (length: number, check: Check): Check =>
  (input, signature, many) =>
    signature.length === length && check(input, signature, many)

/** A check that passes when one of two checks passes; the second runs only if the first fails. */
const anyOf =
  (first: Check, second: Check): Check =>
  (input, signature, many) => {
    const right = first(input, signature, many)
    if (right instanceof Promise) return right.then((yes) => yes || second(input, signature, many))
    return right || second(input, signature, many)
  }

/** Merges keys without ids into one for each algorithm, because a token may be signed with any of them. */
function merged(keys: readonly VerifyKey[]): readonly VerifyKey[] {
  const byAlgorithm = new Map<Algorithm, VerifyKey>()
  for (const { algorithm, verify } of keys) {
    const before = byAlgorithm.get(algorithm)
    const both = before ? anyOf(before.verify, verify) : verify
    byAlgorithm.set(algorithm, { algorithm, anyKid: true, verify: both })
  }
  const [pkcs, pss, ...others] = (['RS256', 'PS256', 'ES256', 'EdDSA'] as const).map((name) => byAlgorithm.get(name))
  const rsa = pkcs && pss ? { ...pkcs, other: pss } : (pkcs ?? pss)
  return [rsa, ...others].filter((key) => key !== undefined)
}

/** Makes a `KeyMaker` from a platform's import. */
export function keyMaker(importer: Importer): KeyMaker {
  const importKey = async (key: UsableJwk, algorithm: Algorithm): Promise<VerifyKey> => {
    const length = LENGTHS[algorithm]
    const check = await importer.check(key, algorithm)
    const verify = length === undefined ? check : exactly(length, check)
    return { algorithm, material: materialOf(key), verify, ...(key.kid === undefined ? {} : { kid: key.kid }) }
  }
  const keysOf = (key: UsableJwk): Promise<readonly VerifyKey[]> =>
    Promise.all(key.algorithms.map((algorithm) => importKey(key, algorithm)))
  const keyWithAlternative = async (key: UsableJwk): Promise<readonly VerifyKey[]> => {
    const [first, other] = await keysOf(key)
    return first ? [other ? { ...first, other } : first] : []
  }
  return {
    async fromJwk(jwk) {
      const judged = judgeJwk(jwk)
      if (typeof judged === 'string') return []
      // Only the platform notices a point that is not on the curve.
      return keyWithAlternative(judged).catch(() => [])
    },
    async fromPem(pem) {
      const distinct = new Map(pemKeys(pem).map((key) => [`${materialOf(key)}${key.algorithms.join()}`, key]))
      const keys = await Promise.all([...distinct.values()].map(keysOf)).catch(() => {
        throw unusablePem('its numbers make no key', 'Ask the issuer for the key that checks its tokens.')
      })
      return merged(keys.flat())
    },
  }
}
