import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { GuestpassError } from '../../src/errors.ts'
import { type GivenKeys, givenKeys } from '../../src/verify/given-keys.ts'
import { checker, claims, ecPair, named, outcome, platforms, rsaPair, token } from './material.ts'

const rsa = rsaPair()
const ec = ecPair()
const spki = (key: typeof rsa): string => key.publicKey.export({ format: 'pem', type: 'spki' }).toString()

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
  ])('take a PEM %s', async (_what, written) => {
    const check = checker(platform, givenKeys({ pem: written(spki(rsa)) }, platform.maker))
    expect(outcome(await check(token(claims(), rsa)))).toBe('valid')
  })

  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey
  const ed = generateKeyPairSync('ed25519').publicKey

  it.each([
    ['a private key', rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 'private key'],
    ['a PKCS#1 key', rsa.publicKey.export({ format: 'pem', type: 'pkcs1' }).toString(), 'RSA PUBLIC KEY'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'openssl x509'],
    ['two keys', spki(rsa) + spki(ec), 'one PEM block'],
    ['a P-384 key', spki(ecPair('P-384')), 'cannot be used'],
    ['an RSA key of 1024 bits', spki(rsaPair(1024)), '2048 bits'],
    ['a PSS key', pss.export({ format: 'pem', type: 'spki' }).toString(), 'neither an RSA nor an EC key'],
    ['an Ed25519 key', ed.export({ format: 'pem', type: 'spki' }).toString(), 'neither an RSA nor an EC key'],
    ['damaged base64', spki(rsa).replace('MIIB', 'M=IB'), 'damaged'],
    ['a truncated key', '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----', 'neither an RSA nor an EC key'],
    ['a file name', './public.pem', 'one PEM block'],
    ['nothing', '', 'one PEM block'],
  ])('refuse %s in the place of a public key, and say why', async (_what, pem, why) => {
    const error = await fault({ pem })
    expect(error.code).toBe('config_invalid')
    expect(error.message).toContain(why)
    expect(error.fields).toMatchObject([{ field: 'pem' }])
    expect(`${error.message}${JSON.stringify(error.fields)}`).not.toContain('MII')
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
    expect(await source.lookAgain()).toBe(false)
    expect(source.keys()).toBe(before)
  })
})
