import { expect, it } from 'vitest'
import type { Sandbox } from '../../src/index.ts'
import { accessToken, claims, failureCode, post, START, startSandbox, verifiedClaims } from '../genesys-client.ts'
import { userToken, EMAIL, EXTERNAL_USERS, refusalCode } from '../guest-client.ts'

type Fields = Readonly<Record<string, unknown>>

const make = async (sandbox: Sandbox, fields: Fields = {}, token?: string) =>
  post(
    sandbox,
    EXTERNAL_USERS,
    { name: 'Ann', email: EMAIL, ...fields },
    { token: token ?? (await userToken(sandbox)) },
  )

it('makes a user with a signed token for a signed-in user', async () => {
  const sandbox = await startSandbox({ autoConsent: true })
  const token = await userToken(sandbox)
  const { status, json } = await make(sandbox, { customAttributes: { tier: 'gold' } }, token)
  expect(sandbox.journal().at(-1)).toMatchObject({ operation: 'create', guestId: json['id'], created: 1 })
  expect(JSON.stringify(sandbox.journal())).not.toContain(EMAIL)
  expect([status, json]).toEqual([
    201,
    {
      id: expect.any(String),
      name: 'Ann',
      email: EMAIL,
      token: expect.any(String),
      createdDate: '2026-01-01T00:00:00.000Z',
      updatedDate: '2026-01-01T00:00:00.000Z',
      selfUri: `${EXTERNAL_USERS}/${String(json['id'])}`,
    },
  ])
  expect(await verifiedClaims(sandbox, json['token'])).toMatchObject({
    sub: json['id'],
    org: claims(token)['org'],
    exp: START / 1000 + 3600,
  })
})

it('issues an opaque token with externalUserTokenFormat opaque', async () => {
  const sandbox = await startSandbox({ autoConsent: true, externalUserTokenFormat: 'opaque' })
  expect((await make(sandbox)).json['token']).toMatch(/^sandbox-secret-[\w-]{64}$/)
})

it('makes another user of an address with a session, with externalUserDuplicates make', async () => {
  const sandbox = await startSandbox({ autoConsent: true, externalUserDuplicates: 'make' })
  const token = await userToken(sandbox)
  const [first, second] = [await make(sandbox, {}, token), await make(sandbox, {}, token)]
  expect([first.status, second.status, first.json['id'] === second.json['id']]).toEqual([201, 201, false])
  expect(sandbox.journal().at(-1)).toMatchObject({ created: 2 })
})

it('refuses a token without the scopes with 401, and one of client credentials with 403', async () => {
  const sandbox = await startSandbox({ autoConsent: true })
  const missing = async (scope: string) => make(sandbox, {}, await userToken(sandbox, scope))
  for (const [has, lacks] of [
    ['webmessaging:guest:create', 'externalusers:write'],
    ['externalusers:write', 'webmessaging:guest:create'],
  ] as const) {
    const { json } = await missing(has)
    expect(json).toMatchObject({ status: 401, code: 'app.not.authorized.for.scope', messageParams: { scope: lacks } })
  }
  expect(refusalCode(await make(sandbox, {}, 'unknown'))).toEqual([401, 'bad.credentials'])
  const machine = await accessToken(sandbox, 'webmessaging:guest:create externalusers:write')
  expect(refusalCode(await make(sandbox, {}, machine))).toEqual([403, 'not.authorized'])
})

it.each([
  ['no name', 'name', undefined],
  ['an empty name', 'name', ''],
  ['no email', 'email', undefined],
  ['no address', 'email', 'ann'],
  ['a text as attributes', 'customAttributes', 'a'],
  ['attributes that are too large', 'customAttributes', { a: 'x'.repeat(2048) }],
])('refuses %s with a detail that names it', async (_, field, value) => {
  const sandbox = await startSandbox({ autoConsent: true })
  const { status, json } = await make(sandbox, { [field]: value })
  expect([status, json['details']]).toMatchObject([400, [{ fieldName: field }]])
})

it('accepts only texts as attributes', async () => {
  const sandbox = await startSandbox({ autoConsent: true })
  const { json } = await make(sandbox, { customAttributes: { tier: 3 } })
  expect(json['details']).toMatchObject([{ fieldName: 'customAttributes.tier' }])
})

it('has one user of an address, in any case, until its token expires or its session is ended', async () => {
  const sandbox = await startSandbox({ autoConsent: true, externalUserTokenSeconds: 60 })
  await make(sandbox)
  sandbox.advance(59_999)
  expect(refusalCode(await make(sandbox, { email: EMAIL.toUpperCase() }))).toEqual([409, 'request.conflict'])
  sandbox.advance(1)
  const second = await make(sandbox)
  expect(second.status).toBe(201)
  sandbox.endGuest(String(second.json['id']))
  expect((await make(sandbox)).status).toBe(201)
  expect(sandbox.journal().at(-1)?.created).toBe(3)
})

it('has made the user although the answer was lost', async () => {
  const sandbox = await startSandbox({ autoConsent: true })
  sandbox.script([{ on: 'create', do: { drop: 'after' } }])
  expect(await failureCode(make(sandbox))).toBe('ECONNRESET')
  expect((await make(sandbox)).status).toBe(409)
})
