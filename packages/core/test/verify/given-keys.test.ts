import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { GuestpassError } from '../../src/domain/errors.ts'
import { type GivenKeys, givenKeys } from '../../src/verify/given-keys.ts'
import { certificates } from './certificates.ts'
import {
  b64,
  checker,
  claims,
  ecPair,
  edPair,
  named,
  outcome,
  type Pair,
  pairs,
  platforms,
  pssPair,
  rsaPair,
  token,
} from './material.ts'

const rsa = rsaPair()
const ec = ecPair()
const other = rsaPair()
const spki = (key: typeof rsa): string => key.publicKey.export({ format: 'pem', type: 'spki' }).toString()

const pkcs8 = ({ privateKey }: typeof rsa): string => privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const encrypted = ({ privateKey }: typeof rsa): string =>
  privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'p' }).toString()
const spkiOf = (key: KeyObject): string => key.export({ format: 'pem', type: 'spki' }).toString()
const pssFor = (hashAlgorithm: string): KeyObject =>
  generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm, mgf1HashAlgorithm: hashAlgorithm }).publicKey
/** A pair that OpenSSL lets sign with PSS alone. */
const pssOnly = (hashAlgorithm?: string): Pick<Pair, 'publicKey' | 'privateKey'> =>
  generateKeyPairSync('rsa-pss', {
    modulusLength: 2048,
    ...(hashAlgorithm ? { hashAlgorithm, mgf1HashAlgorithm: hashAlgorithm } : {}),
  })
/** The bytes of a coordinate, as a big number would be written: without zeros in front. */
function bytesOf(key: Pair, name: 'x' | 'y'): Uint8Array {
  const bytes = Buffer.from(String(key.jwk[name]), 'base64url')
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0))
}
const shortPair = (): Pair => {
  for (let pair = ecPair(); ; pair = ecPair()) if (bytesOf(pair, 'x').length < 32) return pair
}
const short = shortPair()
const pemOf = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`
const withTail = ({ publicKey }: typeof rsa): string =>
  pemOf('PUBLIC KEY', Buffer.concat([publicKey.export({ format: 'der', type: 'spki' }), Buffer.alloc(3)]))

describe.each(platforms)('Given keys on the %s platform', (_name, platform) => {
  const fault = async (given: GivenKeys): Promise<GuestpassError> => {
    try {
      await givenKeys(given, platform.maker).keys()
    } catch (error) {
      return error as GuestpassError
    }
    throw new Error('keys were had')
  }

  it('of a PEM check tokens of any kid, and of none', async () => {
    const check = checker(platform, givenKeys({ pem: spki(rsa) }, platform.maker))
    expect(outcome(await check(token(claims(), rsa, { kid: 'whatever' })))).toBe('valid')
    expect(outcome(await check(token(claims(), rsa, { kid: undefined })))).toBe('valid')
  })

  it('of a P-256 PEM check ES256', async () => {
    const check = checker(platform, givenKeys({ pem: spki(ec) }, platform.maker), { algorithms: ['ES256'] })
    expect(outcome(await check(token(claims(), ec)))).toBe('valid')
  })

  it.each([
    ['with line breaks written as \\n', (pem: string) => pem.replaceAll('\n', '\\n')],
    ['with Windows line breaks', (pem: string) => pem.replaceAll('\n', '\r\n')],
    ['with space around it', (pem: string) => `\n  ${pem}\n\n`],
    ['without a last line break', (pem: string) => pem.trim()],
    ['behind a byte order mark', (pem: string) => `\ufeff${pem}`],
    ['with text around it', (pem: string) => `subject=CN = login\n${pem}\nthat was all\n`],
    ['on one line', (pem: string) => pem.replaceAll('\n', ' ')],
    ['twice', (pem: string) => pem + pem],
    ['of PKCS #1', () => rsa.publicKey.export({ format: 'pem', type: 'pkcs1' }).toString()],
    ['of another key before it', (pem: string) => spki(other) + pem],
    ['of another key after it', (pem: string) => pem + spki(other)],
    ['of another key after it, all on one line with \\n', (pem: string) => (pem + spki(other)).replaceAll('\n', '\\n')],
    ['of another kind after it', (pem: string) => pem + spki(ec)],
  ])('take a PEM %s', async (_what, written) => {
    const check = checker(platform, givenKeys({ pem: written(spki(rsa)) }, platform.maker))
    expect(outcome(await check(token(claims(), rsa)))).toBe('valid')
  })

  it.each([
    ['a private key', rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 'private key'],
    ['a private key, naming the command', pkcs8(ec), '`openssl pkey -in FILE -pubout`'],
    ['a private key beside a public one', spki(rsa) + pkcs8(ec), 'of block 2, it is a private key'],
    ['a damaged private key', pkcs8(rsa).replace('-----END', '----END'), 'private key'],
    ['an encrypted private key', encrypted(rsa), 'private key'],
    [
      'a certificate request',
      '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----',
      'REQUEST',
    ],
    ['a damaged certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----', 'damaged'],
    ['two keys of which one is weak', spki(rsa) + spki(rsaPair(1024)), '2048 bits'],
    ['two keys of which one is cut off', `${spki(rsa)}-----BEGIN PUBLIC KEY-----\nMIIB`, 'damaged'],
    ['a P-384 key', spki(ecPair('P-384')), 'its curve is not P-256'],
    ['an Ed448 key', spkiOf(generateKeyPairSync('ed448').publicKey), 'none of an RSA, P-256 and Ed25519 key'],
    ['an RSA key of 1024 bits', spki(rsaPair(1024)), '2048 bits'],
    ['a PSS key for SHA-512', spkiOf(pssFor('sha512')), 'another hash'],
    ['damaged base64', spki(rsa).replace('MIIB', 'M=IB'), 'damaged'],
    ['a truncated key', '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----', 'damaged'],
    ['a key with something after it', withTail(rsa), 'damaged'],
    ['a file name', './public.pem', 'one PEM block'],
    ['nothing', '', 'one PEM block'],
  ])('refuse %s in the place of a public key, and say why', async (_what, pem, why) => {
    const error = await fault({ pem })
    expect(error.code).toBe('config_invalid')
    expect(error.message).toContain(why)
    expect(error.fields).toMatchObject([{ field: 'pem' }])
    expect(`${error.message}${JSON.stringify(error.fields)}`).not.toContain('MII')
  })

  it.each([
    ['P-256', ecPair(), 'ES256'],
    ['Ed25519', edPair(), 'EdDSA'],
    ['RSA', pssPair(), 'PS256'],
    ['RSA-PSS', { ...pssPair(), ...pssOnly() }, 'PS256'],
    ['RSA-PSS for SHA-256', { ...pssPair(), ...pssOnly('sha256') }, 'PS256'],
  ] as const)('of a %s PEM check tokens of that kind', async (_what, key, algorithm) => {
    const check = checker(platform, givenKeys({ pem: spki(key) }, platform.maker), { algorithms: [algorithm] })
    expect(outcome(await check(token(claims(), key)))).toBe('valid')
    expect(outcome(await check(token(claims(), pairs[algorithm]())))).toBe('signature')
  })

  it('of a PSS PEM do not check RS256', async () => {
    const key = pssOnly()
    const check = checker(platform, givenKeys({ pem: spkiOf(key.publicKey) }, platform.maker))
    expect(outcome(await check(token(claims(), rsa)))).toBe('algorithm')
  })

  it.each(['rsa', 'ec'] as const)('of an X.509 certificate of an %s key check its tokens', async (kind) => {
    const { certificate, key } = certificates[kind]
    const check = checker(platform, givenKeys({ pem: certificate }, platform.maker), { algorithms: [key.alg] })
    expect(outcome(await check(token(claims(), key)))).toBe('valid')
    expect(outcome(await check(token(claims(), pairs[key.alg]())))).toBe('signature')
  })

  it('of several PEM blocks try each, and one that is there twice once', async () => {
    const check = checker(platform, givenKeys({ pem: spki(rsa) + spki(other) + spki(rsa) }, platform.maker))
    expect(outcome(await check(token(claims(), rsa, { kid: 'new' })))).toBe('valid')
    expect(outcome(await check(token(claims(), other, { kid: undefined })))).toBe('valid')
    expect(outcome(await check(token(claims(), rsaPair())))).toBe('signature')
  })

  it('of a set that are equal in another form count once', async () => {
    const zeros = b64(Buffer.concat([Buffer.alloc(2), Buffer.from(String(rsa.jwk['n']), 'base64url')]))
    const keys = [named(rsa, 'one'), named(rsa, 'two', { n: zeros, e: 'AAEAAQ' })]
    expect(outcome(await checker(platform, keys)(token(claims(), rsa, { kid: undefined })))).toBe('valid')
  })

  it.each(['one', 'two', undefined])('of a set that are the same count once, for the kid %s', async (kid) => {
    const keys = [named(rsa, 'one'), named(rsa, 'two'), named(rsa, 'one', { alg: 'RS256' }), named(rsa, 'two')]
    expect(outcome(await checker(platform, keys)(token(claims(), rsa, { kid })))).toBe('valid')
  })

  it.each([
    ['a modulus with padding', rsa, { n: `${String(rsa.jwk['n'])}==` }],
    [
      'a modulus behind a zero',
      rsa,
      { n: b64(Buffer.concat([Buffer.alloc(1), Buffer.from(String(rsa.jwk['n']), 'base64url')])) },
    ],
    ['a coordinate without its zeros', short, { x: b64(bytesOf(short, 'x')), y: b64(bytesOf(short, 'y')) }],
  ] as const)('of a set are taken with %s', async (_what, key, more) => {
    const check = checker(platform, [named(key, 'one', more)], { algorithms: [key.alg] })
    expect(outcome(await check(token(claims(), key)))).toBe('valid')
  })

  it('say why the key that a token names is left out', async () => {
    const check = checker(platform, [named(rsaPair(1024), 'weak'), named(rsa, 'one', { use: 'enc' }), named(ec, 'two')])
    const verdict = await check(token(claims(), rsa))
    expect(verdict).toEqual({
      valid: false,
      reason: 'unknown_key',
      detail: 'the key-set has keys that are not used (key one: its use is not sig)',
    })
    expect(await check(token(claims(), rsa, { kid: 'three' }))).toEqual({ valid: false, reason: 'unknown_key' })
    const verify = checker(platform, [named(rsa, 'one', { use: 'enc' }), named(other, 'a'), named(rsaPair(), 'b')])
    expect(await verify(token(claims(), rsa, { kid: undefined }))).toMatchObject({
      reason: 'unknown_key',
      detail: 'the key-set has keys that are not used (key one: its use is not sig)',
    })
  })

  it('of a set leave out what must not be used', async () => {
    const set = await givenKeys(
      { jwks: { keys: [named(rsaPair(1024), 'weak'), named(ec, 'two')] } },
      platform.maker,
    ).keys()
    expect(set.keys).toMatchObject([{ kid: 'two', algorithm: 'ES256' }])
  })

  it('say of every key why none can be used', async () => {
    const error = await fault({
      jwks: { keys: [named(rsaPair(1024), 'weak'), { ...rsa.jwk, use: 'enc' }, named(ec, 'off', { y: ec.jwk['x'] })] },
    })
    expect(error.code).toBe('config_invalid')
    expect(error.message).toMatch(/key weak: RSA keys need at least 2048 bits, it has 1024/)
    expect(error.message).toMatch(/key 2: its use is not sig/)
    expect(error.message).toMatch(/key off: its numbers make no key/)
  })

  it.each([[{ keys: [] }], [{}], [null], [{ keys: 'all' }]])('refuse the set %j', async (jwks) => {
    expect((await fault({ jwks: jwks as { keys: [] } })).code).toBe('config_invalid')
  })

  it('never change', async () => {
    const source = givenKeys({ jwks: { keys: [named(rsa)] } }, platform.maker)
    const before = await source.keys()
    expect(await source.refetch()).toBe(false)
    expect(source.keys()).toBe(before)
  })
})
