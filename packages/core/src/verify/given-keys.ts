import { GuestpassError } from '../errors.ts'
import { judgeJwk } from './key-rules.ts'
import type { Jwk, KeyMaker, KeySet, KeySource, VerifyKey } from './keys.ts'

/** Keys as an operator has them: a JSON Web Key Set, or one public key in PEM. */
export type GivenKeys = { readonly jwks: { readonly keys: readonly Jwk[] } } | { readonly pem: string }

const REMEDY = 'Give {"keys": […]} with an RSA key of 2048 bits or more, or a P-256 key, that is meant for signatures'

function noKeys(why: string): GuestpassError {
  return new GuestpassError('config_invalid', `The key-set given cannot be used: ${why}. ${REMEDY}.`, {
    fields: [{ field: 'jwks', message: why, remedy: REMEDY }],
  })
}

const named = (jwk: Jwk, at: number): string => (typeof jwk?.kid === 'string' ? `key ${jwk.kid}` : `key ${at + 1}`)

async function keysOf(jwks: { readonly keys: readonly Jwk[] }, maker: KeyMaker): Promise<readonly VerifyKey[]> {
  if (!Array.isArray(jwks?.keys)) throw noKeys('it has no list of keys')
  const list: readonly Jwk[] = jwks.keys
  const keys = (await Promise.all(list.map((jwk) => maker.fromJwk(jwk)))).flat()
  if (keys.length > 0) return keys
  const why = list.map((jwk, at) => {
    const judged = judgeJwk(jwk)
    return `${named(jwk, at)}: ${typeof judged === 'string' ? judged : 'its numbers make no key'}`
  })
  throw noKeys(why.join('; ') || 'its list of keys is empty')
}

/**
 * Keys that never change. Keys of the set that must not be used are left out; when none is left, `keys()` rejects with
 * `config_invalid`, saying of each why: call it once at the start to hear of it early. The key of a PEM has no id and answers
 * for any `kid`.
 */
export function givenKeys(given: GivenKeys, maker: KeyMaker): KeySource {
  let set: KeySet | Promise<KeySet> = ('pem' in given ? maker.fromPem(given.pem) : keysOf(given.jwks, maker)).then(
    (keys) => {
      set = { generation: 1, keys }
      return set
    },
  )
  set.catch(() => {})
  return { keys: () => set, lookAgain: async () => false }
}
