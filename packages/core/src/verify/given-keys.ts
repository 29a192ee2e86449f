import { anyValue, checkOptions, anyOf, schema, required, object } from '../domain/options.ts'
import { GuestpassError } from '../domain/errors.ts'
import { keyMaker } from '../ports/schemas.ts'
import { importKeys, leftOutText } from './key-list.ts'
import type { Jwk, KeyMaker, KeySet, KeySource } from './keys.ts'

/** Keys as an operator has them: a JSON Web Key Set, or public keys in PEM: SPKI, PKCS #1, certificates. */
export type GivenKeys = { readonly jwks: { readonly keys: readonly Jwk[] } } | { readonly pem: string }

const GIVE = "Give { jwks: { keys: […] } }, or { pem: '-----BEGIN PUBLIC KEY-----…' }."

const anyText = schema('a text', (value) => typeof value === 'string')

/** The keys that are given, by their form alone: whether they can be used is found out when they are made. */
export const givenKeysSchema = anyOf(
  schema('{ jwks } or { pem }', () => false, GIVE),
  object<{ jwks: unknown }>({ jwks: required(anyValue) }),
  object<{ pem: string }>({ pem: required(anyText) }),
)

const REMEDY =
  'Give {"keys": […]} with an RSA key of 2048 bits or more, a P-256 or an Ed25519 key, that is meant for signatures'

function noKeys(why: string): GuestpassError {
  return new GuestpassError('config_invalid', `The key-set given cannot be used: ${why}. ${REMEDY}.`, {
    fields: [{ field: 'jwks', message: why, remedy: REMEDY }],
  })
}

async function setOf(given: GivenKeys, maker: KeyMaker): Promise<Omit<KeySet, 'generation'>> {
  if ('pem' in given) return { keys: await maker.fromPem(given.pem) }
  if (!Array.isArray(given.jwks?.keys)) throw noKeys('it has no list of keys')
  const set = await importKeys(given.jwks.keys, maker)
  if (set.keys.length > 0) return set
  throw noKeys(leftOutText(set.leftOut) || 'its list of keys is empty')
}

/**
 * Keys that never change. Entries of the set that must not be used are left out; when none is left, `keys()` rejects with
 * `config_invalid`, saying of each why: call it once at the start to learn of it early. Keys of a PEM have no ids and answer for any `kid`;
 * the same key twice counts once. Throws `config_invalid` for what is neither.
 */
export function givenKeys(given: GivenKeys, maker: KeyMaker): KeySource {
  checkOptions('givenKeys', ['given', given, required(givenKeysSchema)], ['maker', maker, required(keyMaker)])
  let set: KeySet | Promise<KeySet> = setOf(given, maker).then((made) => {
    set = { generation: 1, ...made }
    return set
  })
  set.catch(() => {})
  return { keys: () => set, lookAgain: async () => false }
}
