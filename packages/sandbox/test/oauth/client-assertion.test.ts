import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import type { Sandbox, SandboxOptions } from '../../src/index.ts'
import { askToken, basic, clientOf, type Reply, START, startSandbox } from '../genesys-client.ts'
import { refusal } from '../user-client.ts'

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const { privateKey, publicKey } = await generateKeyPair('ES256')
const jwk = await exportJWK(publicKey)
const strangers = await generateKeyPair('ES256')

const withKeys = (options: SandboxOptions = {}): Promise<Sandbox> =>
  startSandbox({ ...options, clients: [{ id: 'signer', keys: [jwk] }, ...(options.clients ?? [])] })

type Claims = Readonly<Record<string, unknown>>

const assertion = (claims: Claims, key = privateKey): Promise<string> =>
  new SignJWT({ iss: 'signer', sub: 'signer', jti: 'one', exp: START / 1000 + 60, ...claims })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(key)

const ask = (sandbox: Sandbox, signed: string, form: Record<string, string> = {}): Promise<Reply> =>
  askToken(sandbox, { client_assertion: signed, client_assertion_type: TYPE, ...form }, {})

describe('a client that signs an assertion', () => {
  it.each(['', '/oauth/token'])('gets its token when the audience is the issuer followed by %j', async (path) => {
    const sandbox = await withKeys()
    const { status, json } = await ask(sandbox, await assertion({ aud: `${sandbox.url}${path}` }))
    expect([status, json['token_type']]).toEqual([200, 'bearer'])
  })

  it('is refused with an assertion that was used before', async () => {
    const sandbox = await withKeys()
    const signed = await assertion({ aud: sandbox.url })
    expect((await ask(sandbox, signed)).status).toBe(200)
    expect(refusal(await ask(sandbox, signed))).toEqual([401, 'invalid_client'])
    expect((await ask(sandbox, await assertion({ aud: sandbox.url, jti: 'two' }))).status).toBe(200)
  })

  it.each<[string, Claims]>([
    ['another audience', { aud: 'https://elsewhere.example' }],
    ['another issuer', { iss: 'other' }],
    ['another client', { iss: 'unknown', sub: 'unknown' }],
    ['an assertion that has expired', { exp: START / 1000 - 1 }],
    ['an assertion without an end', { exp: undefined }],
    ['an assertion without an id', { jti: undefined }],
  ])('is refused for %s', async (_, claims) => {
    const sandbox = await withKeys()
    expect(refusal(await ask(sandbox, await assertion({ aud: sandbox.url, ...claims })))).toEqual([
      401,
      'invalid_client',
    ])
  })

  it('is refused with the signature of another key, without a signature, and by its id alone', async () => {
    const sandbox = await withKeys()
    const forged = await assertion({ aud: sandbox.url }, strangers.privateKey)
    for (const signed of [forged, 'no-jwt']) {
      expect(refusal(await ask(sandbox, signed))).toEqual([401, 'invalid_client'])
    }
    expect(refusal(await askToken(sandbox, { client_id: 'signer' }, {}))).toEqual([401, 'invalid_client'])
    expect(refusal(await askToken(sandbox, { client_id: 'signer', client_secret: 'any' }, {}))).toEqual([
      401,
      'invalid_client',
    ])
  })

  it('is refused with another proof beside the assertion, and with an unknown assertion type', async () => {
    const sandbox = await withKeys()
    const signed = await assertion({ aud: sandbox.url })
    const form = { client_assertion: signed, client_assertion_type: TYPE }
    const { id, secret } = clientOf(sandbox)
    const both = await askToken(sandbox, form, { authorization: basic(id, secret) })
    expect(refusal(both)).toEqual([400, 'invalid_request'])
    expect(refusal(await ask(sandbox, signed, { client_assertion_type: 'saml' }))).toEqual([400, 'invalid_request'])
  })
})

it('refuses private keys as the keys of a client', async () => {
  const pair = await generateKeyPair('ES256', { extractable: true })
  const keys = [await exportJWK(pair.privateKey)]
  await expect(startSandbox({ clients: [{ id: 'signer', keys }] })).rejects.toThrow(/clients.0.keys.0: a public key/)
})
