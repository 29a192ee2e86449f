import { type JudgedJwk, judgeJwk, type UsableJwk } from './key-rules.ts'
import type { Jwk, KeyMaker, VerifyKey } from './keys.ts'
import { spkiBytes, unusablePem } from './pem.ts'

/** The length of an ES256 signature: r and s, 32 bytes each (RFC 7518, section 3.4). */
const ES256_BYTES = 64

/** How a platform imports keys; the rules for them are the same everywhere. Both reject when the platform cannot. */
export interface Importer {
  /** Gives the check of a signature. */
  check(key: UsableJwk): Promise<VerifyKey['verify']>
  /** The key of a SubjectPublicKeyInfo, as JWK. */
  jwkOf(spki: Uint8Array): Promise<Jwk>
}

/** A `KeyMaker` over a platform's import. */
export function keyMaker(importer: Importer): KeyMaker {
  const made = async (key: UsableJwk): Promise<VerifyKey> => {
    const check = await importer.check(key)
    const { algorithm, kid } = key
    const verify: VerifyKey['verify'] =
      algorithm === 'ES256'
        ? (input, signature, many) => signature.length === ES256_BYTES && check(input, signature, many)
        : check
    return kid === undefined ? { algorithm, verify } : { algorithm, kid, verify }
  }
  return {
    async fromJwk(jwk) {
      const judged = judgeJwk(jwk)
      if (typeof judged === 'string') return []
      // A point off the curve is known to the platform alone.
      return made(judged).then(
        (key) => [key],
        () => [],
      )
    },
    async fromPem(pem) {
      const spki = spkiBytes(pem)
      const { kty, n, e, crv, x, y } = await importer.jwkOf(spki).catch((cause: unknown) => {
        throw unusablePem(
          'it is neither an RSA nor an EC key',
          'Ask the issuer for the key that checks its tokens',
          cause,
        )
      })
      const judged: JudgedJwk = judgeJwk(kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y })
      if (typeof judged === 'string') throw unusablePem(judged, 'Ask the issuer for the key that checks its tokens')
      return [{ ...(await made(judged)), anyKid: true }]
    },
  }
}
