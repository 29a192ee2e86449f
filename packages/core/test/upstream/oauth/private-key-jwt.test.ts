import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { HOUR } from '../../../src/domain/time.ts'
import type { HttpRequest } from '../../../src/ports/http.ts'
import { resolveHosts } from '../../../src/upstream/hosts.ts'
import { json } from '../../world/fake-upstream.ts'
import { advanceUntil, refusal, type World, world } from '../../world/world.ts'

const keys: Readonly<Record<string, KeyObject>> = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  PS256: generateKeyPairSync('rsa-pss', {
    modulusLength: 2048,
    hashAlgorithm: 'sha256',
    mgf1HashAlgorithm: 'sha256',
  }).privateKey,
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
}
const pem = (key: KeyObject): Secret => new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString())
const client = { id: 'web', privateKey: pem(keys['ES256'] as KeyObject) }

type Part = Readonly<Record<string, unknown>>

/** The assertion of a request: its header and claims, and what was signed. */
function assertionOf(request: HttpRequest | undefined) {
  const form = new URLSearchParams(request?.body)
  const [header = '', claims = '', signature = ''] = (form.get('client_assertion') ?? '').split('.')
  const part = (text: string): Part => JSON.parse(Buffer.from(text, 'base64url').toString()) as Part
  const signed = { input: Buffer.from(`${header}.${claims}`), signature: Buffer.from(signature, 'base64url') }
  return { form, header: part(header), claims: part(claims), signed }
}

async function assertionsFor(here: World, times: number) {
  const { accessTokens } = await here.process({ client, clientAuth: 'private_key_jwt' })
  for (let at = 0; at < times; at += 1) {
    await accessTokens.token()
    await here.clock.advance(HOUR)
  }
  return here.upstream.asked.token.map(assertionOf)
}

describe('a client with a private key', () => {
  it.each(Object.entries(keys))('signs an assertion that its public key confirms: %s', async (alg, key) => {
    const here = world()
    const { accessTokens } = await here.process({ client: { id: 'web', privateKey: pem(key) } })
    await accessTokens.token()
    const { form, header, claims, signed } = assertionOf(here.upstream.asked.token[0])
    const now = Math.floor(here.clock.wall() / 1_000)
    expect(header).toEqual({ alg })
    expect(claims).toMatchObject({
      iss: 'web',
      sub: 'web',
      aud: 'https://login.example.com/oauth/token',
      iat: now,
      nbf: now,
      exp: now + 60,
    })
    const asJose = { key: createPublicKey(key), dsaEncoding: 'ieee-p1363' } as const
    expect(verify(alg === 'EdDSA' ? null : 'sha256', signed.input, asJose, signed.signature)).toBe(true)
    expect([form.get('client_id'), form.get('client_assertion_type'), form.get('client_secret')]).toEqual([
      'web',
      'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      null,
    ])
  })

  it('signs as PS256 with an RSA key where the server takes that alone', async () => {
    const here = world()
    const issuer = 'https://id.example.com'
    const asked: HttpRequest[] = []
    const http = async (request: HttpRequest) => {
      request.onSend?.()
      asked.push(request)
      const token_endpoint = `${issuer}/token`
      const document = { issuer, token_endpoint, token_endpoint_auth_signing_alg_values_supported: ['PS256', 'ES256'] }
      return json(200, request.method === 'GET' ? document : { access_token: 'a', expires_in: 3_600 })
    }
    const hosts = resolveHosts({ issuer })
    const own = { id: 'web', privateKey: pem(keys['RS256'] as KeyObject) }
    const { accessTokens } = await here.process({ hosts, client: own }, { http })
    await accessTokens.token()
    const { header, claims } = assertionOf(asked.at(-1))
    expect([header['alg'], claims['aud']]).toEqual(['PS256', issuer])
  })

  it('signs a new one for each request', async () => {
    const ids = (await assertionsFor(world(), 3)).map(({ claims }) => claims['jti'])
    expect(new Set(ids).size).toBe(3)
  })

  it('signs a new one for each repeat of a request too', async () => {
    const here = world()
    here.upstream.token = () => json(503, {}, { 'retry-after': '0' })
    const { accessTokens } = await here.process({ client, policy: { retry: { retries: 2 } } })
    await advanceUntil(here.clock, refusal(accessTokens.token()))
    const ids = here.upstream.asked.token.map((request) => assertionOf(request).claims['jti'])
    expect([ids.length > 1, new Set(ids).size]).toEqual([true, ids.length])
  })

  it('says which key it is where it has a name', async () => {
    const here = world()
    const { accessTokens } = await here.process({ client: { ...client, keyId: 'key-1' } })
    await accessTokens.token()
    expect(assertionOf(here.upstream.asked.token[0]).header).toEqual({ alg: 'ES256', kid: 'key-1' })
  })

  it.each([
    ['no key', {}],
    ['no PEM', { privateKey: new Secret('hunter2 hunter2') }],
    ['a weak key', { privateKey: pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey) }],
    ['an unknown curve', { privateKey: pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey) }],
  ])('with %s sends nothing and names the mistake', async (_, of) => {
    const here = world()
    const { accessTokens } = await here.process({
      client: { id: 'web', secret: new Secret('s'), ...of },
      clientAuth: 'private_key_jwt',
    })
    const error = await refusal(accessTokens.token())
    expect([error.code, error.fields?.[0]?.field]).toEqual(['config_invalid', 'client.privateKey'])
    expect(error.message).not.toContain('hunter2')
    expect(here.upstream.asked.token).toEqual([])
  })
})
