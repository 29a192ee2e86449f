import { modifyAssertion, PrivateKeyJwt } from 'oauth4webapi'
import { GuestpassError } from '../../domain/errors.ts'
import { Secret } from '../../domain/secret.ts'
import { SECOND } from '../../domain/time.ts'
import type { Clock } from '../../ports/clock.ts'
import type { OAuthClient, ClientAuthentication } from './client.ts'
import { pkcs8Of } from './pkcs8.ts'

/**
 * Algorithms to import a private key with; the first that fits is used. RSA keys sign with RS256, or with
 * PS256 if the key or the server allows no other.
 */
const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
const PSS = { name: 'RSA-PSS', hash: 'SHA-256' }
const OTHERS = [{ name: 'ECDSA', namedCurve: 'P-256' }, { name: 'Ed25519' }]

const MIN_MODULUS_BITS = 2_048

type SigningKey = Awaited<ReturnType<typeof globalThis.crypto.subtle.importKey>>

const unusable = (why: string): GuestpassError => {
  const remedy = 'Write a key in PKCS #8 (-----BEGIN PRIVATE KEY-----) of RSA, P-256 or Ed25519, without a password'
  const field = { field: 'client.privateKey', message: why, remedy }
  return new GuestpassError('config_invalid', `The private key of the OAuth client ${why}. ${remedy}.`, {
    fields: [field],
  })
}

async function read(pem: string, algorithms: readonly string[] | undefined): Promise<SigningKey> {
  const key = pkcs8Of(pem)
  if (!key) throw unusable('is not in PKCS #8')
  const isPssAlone = key.isPss || (algorithms?.includes('PS256') === true && !algorithms.includes('RS256'))
  for (const algorithm of [isPssAlone ? PSS : RSA, ...OTHERS]) {
    const found = await globalThis.crypto.subtle
      .importKey('pkcs8', key.der, algorithm, false, ['sign'])
      // It is of another kind.
      .catch(() => undefined)
    if (found) return strong(found)
  }
  throw unusable('is of a kind that is not known')
}

/** Refuses RSA keys under 2048 bits (RFC 7518, 3.3 and 3.5). */
function strong(key: SigningKey): SigningKey {
  const { modulusLength: bits = MIN_MODULUS_BITS } = key.algorithm as { readonly modulusLength?: number }
  if (bits < MIN_MODULUS_BITS) throw unusable(`has ${bits} bits, and RSA keys need at least ${MIN_MODULUS_BITS}`)
  return key
}

/** Imported keys, by their secret and the algorithms of the server. */
const keys = new WeakMap<Secret, Map<string, Promise<SigningKey>>>()

function keyOf(privateKey: Secret, algorithms: readonly string[] | undefined): Promise<SigningKey> {
  const known = keys.get(privateKey) ?? new Map<string, Promise<SigningKey>>()
  keys.set(privateKey, known)
  const of = (algorithms ?? []).join(' ')
  const key = known.get(of) ?? read(privateKey.reveal().replaceAll('\\n', '\n'), algorithms)
  known.set(of, key)
  return key
}

/** The server that an assertion is for. */
interface Audience {
  /** The `aud` claim: the issuer, or the token endpoint if no issuer is known (RFC 7523, 3). */
  readonly audience: string
  /** The algorithms that the server accepts (RFC 8414, token_endpoint_auth_signing_alg_values_supported). */
  readonly algorithms?: readonly string[] | undefined
}

/** How long an assertion is valid, in seconds. */
const LIFE = 60

/**
 * Authenticates a client by a signed assertion (RFC 7523, 2.2): a new one, for one request within 60 s.
 * Rejects with `config_invalid` if the key cannot be used.
 */
export async function signedAssertion(
  { id, privateKey, keyId }: OAuthClient,
  { audience, algorithms }: Audience,
  clock: Pick<Clock, 'wall'>,
): Promise<ClientAuthentication> {
  if (!privateKey) throw unusable('is not set')
  const key = await keyOf(privateKey, algorithms)
  const body = new URLSearchParams()
  const naming = PrivateKeyJwt(keyId === undefined ? key : { key, kid: keyId }, {
    [modifyAssertion](header: Record<string, unknown>, claims: Record<string, unknown>) {
      // RFC 8037 has this name for Ed25519; servers know it better than the newer one.
      if (header['alg'] === 'Ed25519') header['alg'] = 'EdDSA'
      const now = Math.floor(clock.wall() / SECOND)
      Object.assign(claims, { iat: now, nbf: now, exp: now + LIFE })
    },
  })
  await naming({ issuer: audience }, { client_id: id }, body, new Headers())
  const members = Object.fromEntries(body)
  return { headers: {}, members, secrets: [privateKey, new Secret(members['client_assertion'] ?? '')] }
}
