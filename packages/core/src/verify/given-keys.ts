import { anyValue, checkOptions, anyOf, schema, required, object } from '../domain/options.ts'
import { GuestpassError } from '../domain/errors.ts'
import { keyMaker } from '../ports/schemas.ts'
import { importKeys, leftOutText } from './key-list.ts'
import type { Jwk, KeyMaker, KeySet, KeySource } from './keys.ts'

/**
 * Public keys: a JSON Web Key Set (RFC 7517, section 5), or one or more PEM blocks, which may be
 * SubjectPublicKeyInfo, PKCS #1 or certificates.
 */
export type GivenKeys = { readonly jwks: { readonly keys: readonly Jwk[] } } | { readonly pem: string }

const GIVE = "Give { jwks: { keys: […] } }, or { pem: '-----BEGIN PUBLIC KEY-----…' }."

const anyText = schema('a text', (value) => typeof value === 'string')

/** The form of given keys. Whether they can be used is known when they are imported. */
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
 * Makes a source of keys that never change, for a `verifier`.
 *
 * @param given a key-set, or PEM. Entries of a key-set that must not be used are left out. Keys of a PEM have
 *   no id, and fit tokens with any `kid`. A key that is given twice counts once.
 * @param maker imports the keys: `platform.maker`
 * @returns the source. Its `keys()` rejects with `config_invalid` when no key can be used, with the reason
 *   for each. Call it at the start to learn this early.
 *
 * Throws `config_invalid` for arguments of another form.
 *
 * @example
 * ```ts
 * import { givenKeys, verifier } from '@guestpass/core'
 * import { nodePlatform } from '@guestpass/core/node'
 *
 * const platform = nodePlatform()
 * const jwk = { kty: 'OKP', crv: 'Ed25519', kid: '1', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
 * const keys = givenKeys({ jwks: { keys: [jwk] } }, platform.maker)
 * const { verify } = verifier({ keys, platform, now: Date.now, algorithms: ['EdDSA'] })
 * console.log(await verify('no token')) // { valid: false, reason: 'malformed' }
 * ```
 */
export function givenKeys(given: GivenKeys, maker: KeyMaker): KeySource {
  checkOptions('givenKeys', ['given', given, required(givenKeysSchema)], ['maker', maker, required(keyMaker)])
  let set: KeySet | Promise<KeySet> = setOf(given, maker).then((made) => {
    set = { generation: 1, ...made }
    return set
  })
  set.catch(() => {})
  return { keys: () => set, refetch: async () => false }
}
