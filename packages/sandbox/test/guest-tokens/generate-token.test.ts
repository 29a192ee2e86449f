import { expect, it } from 'vitest'
import {
  accessToken,
  askToken,
  basic,
  claims,
  GUEST,
  MINT,
  mint,
  post,
  SCOPES,
  send,
  START,
  startSandbox,
  verifiedClaims,
} from '../genesys-client.ts'

it('issues a JWT for the guest, with the requested scopes and lifetime', async () => {
  const sandbox = await startSandbox()
  const { status, json } = await mint(sandbox, { expirationDurationSeconds: 7200 })
  expect(status).toBe(200)
  expect(await verifiedClaims(sandbox, json['token'])).toEqual({
    iss: sandbox.url,
    aud: 'webmessaging',
    sub: GUEST,
    org: claims(await accessToken(sandbox))['org'],
    scope: SCOPES,
    iat: START / 1000,
    nbf: START / 1000,
    exp: START / 1000 + 7200,
    jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
  })
})

it('writes the scopes as one string where configured', async () => {
  const sandbox = await startSandbox({ guestScopeFormat: 'string' })
  expect(claims((await mint(sandbox)).json['token'])['scope']).toBe(SCOPES.join(' '))
})

it('issues another token for a guest that has one', async () => {
  const sandbox = await startSandbox()
  const [first, second] = [await mint(sandbox), await mint(sandbox)]
  expect(second.status).toBe(200)
  expect(claims(second.json['token'])['jti']).not.toBe(claims(first.json['token'])['jti'])
})

it.each([1, 86_400])('accepts a duration of %d seconds', async (expirationDurationSeconds) => {
  const sandbox = await startSandbox()
  expect((await mint(sandbox, { expirationDurationSeconds })).status).toBe(200)
})

it.each([
  ['guestId', undefined, 'parameters.missing'],
  ['guestId', 'guest-1', 'invalid.value'],
  ['guestId', `${GUEST}0`, 'invalid.value'],
  ['guestId', 7, 'invalid.value'],
  ['expirationDurationSeconds', undefined, 'parameters.missing'],
  ['expirationDurationSeconds', 0, 'invalid.value'],
  ['expirationDurationSeconds', 86_401, 'invalid.value'],
  ['expirationDurationSeconds', 1.5, 'invalid.value'],
  ['expirationDurationSeconds', '3600', 'invalid.value'],
  ['scopes', undefined, 'parameters.missing'],
  ['scopes', [], 'invalid.value'],
  ['scopes', 'webmessaging:guest:send', 'invalid.value'],
])('refuses %s = %j with 400 and a detail that names it', async (field, value, errorCode) => {
  const sandbox = await startSandbox()
  const { status, json } = await mint(sandbox, { [field]: value })
  expect(status).toBe(400)
  expect(json).toMatchObject({ code: 'constraint.validation', status: 400, details: [{ errorCode, fieldName: field }] })
})

it('refuses a scope that no guest can have, and names its place', async () => {
  const sandbox = await startSandbox()
  const { status, json } = await mint(sandbox, { scopes: ['webmessaging:guest:send', 'webmessaging:guest:create'] })
  expect(status).toBe(400)
  expect(json['details']).toMatchObject([{ fieldName: 'scopes.1' }])
})

it('refuses a body that is not JSON, not an object or of another type by different codes', async () => {
  const sandbox = await startSandbox()
  const authorization = `Bearer ${await accessToken(sandbox)}`
  const raw = (body: string, type: string) =>
    send(sandbox, MINT, { method: 'POST', headers: { authorization, 'content-type': type }, body })
  const answers = [
    await raw('{"guestId":', 'application/json'),
    await raw('[]', 'application/json; charset=utf-8'),
    await raw('{}', 'text/plain'),
    await raw('', 'application/json'),
  ]
  expect(answers.map(({ status, json }) => [status, json['code']])).toEqual([
    [400, 'bad.request'],
    [400, 'constraint.validation'],
    [415, 'unsupported.media.type'],
    [400, 'bad.request'],
  ])
})

it('authorizes the caller before it reads the body', async () => {
  const sandbox = await startSandbox()
  expect((await post(sandbox, MINT, 'nonsense', { token: 'unknown' })).status).toBe(401)
  const narrow = await accessToken(sandbox, 'guest:read')
  const reply = await post(sandbox, MINT, 'nonsense', { token: narrow })
  expect([reply.status, reply.json['code']]).toEqual([403, 'app.not.authorized.for.scope'])
})

it('compares whole scopes', async () => {
  const sandbox = await startSandbox({ scopes: ['webmessaging:guest:create:draft'] })
  expect((await mint(sandbox, {}, await accessToken(sandbox))).status).toBe(403)
})

it('refuses the guest of another organization, in any case of its id', async () => {
  const sandbox = await startSandbox({ clients: [{ id: 'neighbour', secret: 's', organization: 'Next door' }] })
  await mint(sandbox)
  const token = String((await askToken(sandbox, {}, { authorization: basic('neighbour', 's') })).json['access_token'])
  const reply = await mint(sandbox, { guestId: GUEST.toUpperCase() }, token)
  expect([reply.status, reply.json['code']]).toEqual([403, 'not.authorized'])
  expect((await mint(sandbox, { guestId: crypto.randomUUID() }, token)).status).toBe(200)
})
