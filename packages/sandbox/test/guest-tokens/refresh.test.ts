import { expect, it } from 'vitest'
import { createIdempotencyKeys } from '../../src/guest-tokens/idempotency.ts'
import {
  accessToken,
  askToken,
  basic,
  claims,
  GUEST,
  mint,
  clientOf,
  refresh,
  SCOPES,
  send,
  START,
  startSandbox,
  verifiedClaims,
} from '../genesys-client.ts'

const HOUR = 3_600_000
const key = () => crypto.randomUUID()

it('answers with a new token on the terms of the first, and its times', async () => {
  const sandbox = await startSandbox()
  const first = await mint(sandbox, { expirationDurationSeconds: 7200 })
  sandbox.advance(HOUR)
  const { status, json } = await refresh(sandbox, key())
  expect(status).toBe(200)
  expect(json).toEqual({
    guestTokenId: GUEST,
    guestToken: expect.any(String),
    expiresAt: '2026-01-01T03:00:00.000Z',
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T01:00:00.000Z',
  })
  const next = await verifiedClaims(sandbox, json['guestToken'], START + HOUR)
  expect(next).toMatchObject({ sub: GUEST, scope: SCOPES, exp: START / 1000 + 3 * 3600 })
  expect(next['jti']).not.toBe(claims(first.json['token'])['jti'])
})

it('repeats the answer for the same key, and takes effect once', async () => {
  const sandbox = await startSandbox()
  await mint(sandbox)
  const id = key()
  const first = await refresh(sandbox, id)
  sandbox.advance(24 * HOUR - 1)
  const again = await refresh(sandbox, id.toUpperCase())
  expect(again.status).toBe(200)
  expect(again.text).toBe(first.text)
  const entries = sandbox.journal().filter(({ operation }) => operation === 'refresh')
  expect(entries.map(({ refreshes, replayed, guestId }) => ({ refreshes, replayed, guestId }))).toEqual([
    { refreshes: 1, replayed: undefined, guestId: GUEST },
    { refreshes: 1, replayed: true, guestId: GUEST },
  ])
})

it('keeps the answers of many keys', async () => {
  const sandbox = await startSandbox()
  await mint(sandbox)
  const ids = [key(), key(), key()]
  const answers: string[] = []
  for (const id of ids) answers.push((await refresh(sandbox, id)).text)
  for (const [index, id] of ids.entries()) expect((await refresh(sandbox, id)).text).toBe(answers[index])
})

it('keeps no answer of work that failed', async () => {
  const kept = createIdempotencyKeys(() => START)
  await expect(kept.run('k', 'f', () => Promise.reject(new Error('cut short')))).rejects.toThrow('cut short')
  expect(kept.status('k', 'f')).toEqual({ is: 'new' })
})

it('forgets a key after 24 hours', async () => {
  const sandbox = await startSandbox()
  await mint(sandbox, { expirationDurationSeconds: 86_400 })
  const id = key()
  const first = await refresh(sandbox, id)
  sandbox.advance(24 * HOUR)
  const again = await refresh(sandbox, id)
  expect(again.status).toBe(200)
  expect(again.text).not.toBe(first.text)
  expect(sandbox.journal().at(-1)).toMatchObject({ refreshes: 2 })
})

it('takes effect again under another key, and counts it', async () => {
  const sandbox = await startSandbox()
  await mint(sandbox)
  await Promise.all([refresh(sandbox, key()), refresh(sandbox, key())])
  expect(
    sandbox
      .journal()
      .flatMap(({ refreshes }) => refreshes ?? [])
      .toSorted((a, b) => a - b),
  ).toEqual([1, 2])
})

it('refuses another body or another guest under a known key', async () => {
  const sandbox = await startSandbox()
  await mint(sandbox)
  const id = key()
  await refresh(sandbox, id, { body: { a: 1, b: { c: 2, d: 3 } } })
  const sameBody = await refresh(sandbox, id, { body: { b: { d: 3, c: 2 }, a: 1 } })
  expect(sameBody.status).toBe(200)
  for (const other of [{ body: {} }, { guest: key(), body: { a: 1, b: { c: 2, d: 3 } } }]) {
    const reply = await refresh(sandbox, id, other)
    expect([reply.status, reply.json['code']]).toEqual([422, 'unprocessable.entity'])
  }
})

it('answers 409 while the request under that key is still running, and its answer afterwards', async () => {
  const sandbox = await startSandbox()
  await mint(sandbox)
  const token = await accessToken(sandbox)
  sandbox.script([{ on: 'refresh', do: { delayMs: 1000 } }])
  const id = key()
  const running = refresh(sandbox, id, { token })
  await expect.poll(() => sandbox.journal().some(({ operation }) => operation === 'refresh')).toBe(true)
  const meanwhile = await refresh(sandbox, id, { token })
  expect([meanwhile.status, meanwhile.json['code']]).toEqual([409, 'request.conflict'])
  const first = await running
  expect(first.status).toBe(200)
  expect((await refresh(sandbox, id, { token })).text).toBe(first.text)
})

it.each(['', 'abc', '0b5f6f2e-6a0e-1b7e-9d44-2b1f0c9f8a11', '0b5f6f2e-6a0e-4b7e-cd44-2b1f0c9f8a11'])(
  'refuses the key %j, which is not a UUID of version 4',
  async (bad) => {
    const sandbox = await startSandbox()
    await mint(sandbox)
    const reply = await refresh(sandbox, bad)
    expect([reply.status, reply.json['code']]).toEqual([400, 'invalid.value'])
  },
)

it('refuses a request without a key, as a missing parameter', async () => {
  const sandbox = await startSandbox()
  const path = `/api/v2/conversations/webmessaging/guesttokens/${GUEST}/refresh`
  const headers = { authorization: `Bearer ${await accessToken(sandbox)}` }
  const reply = await send(sandbox, path, { method: 'POST', headers })
  expect([reply.status, reply.json['code']]).toEqual([400, 'parameters.missing'])
})

it('treats an empty body as an empty object, and refuses a body that is not an object', async () => {
  const sandbox = await startSandbox()
  await mint(sandbox)
  const id = key()
  const path = `/api/v2/conversations/webmessaging/guesttokens/${GUEST}/refresh`
  const headers = { authorization: `Bearer ${await accessToken(sandbox)}`, 'idempotency-key': id }
  const bare = await send(sandbox, path, { method: 'POST', headers })
  expect(bare.status).toBe(200)
  expect((await refresh(sandbox, id)).text).toBe(bare.text)
  expect((await refresh(sandbox, key(), { body: [] })).status).toBe(400)
})

it('keeps no answer of a refused request, so that the key can be used again', async () => {
  const sandbox = await startSandbox()
  const id = key()
  expect((await refresh(sandbox, id)).status).toBe(400)
  await mint(sandbox)
  expect((await refresh(sandbox, id)).status).toBe(200)
})

it('refreshes a token up to 300 seconds after its expiry, and no longer', async () => {
  const sandbox = await startSandbox()
  await mint(sandbox)
  sandbox.advance(HOUR + 300_001)
  const late = await refresh(sandbox, key())
  expect([late.status, late.json['code']]).toEqual([400, 'credentials.expired'])
  sandbox.advance(-1)
  expect((await refresh(sandbox, key())).status).toBe(200)
})

it('requires the scope, and a guest of the organization', async () => {
  const sandbox = await startSandbox({ clients: [{ id: 'neighbour', secret: 's', organization: 'Next door' }] })
  await mint(sandbox)
  const narrow = await refresh(sandbox, key(), { token: await accessToken(sandbox, 'webmessaging:guest:create') })
  expect([narrow.status, narrow.json['code']]).toEqual([403, 'app.not.authorized.for.scope'])
  const reply = await askToken(sandbox, {}, { authorization: basic('neighbour', 's') })
  const foreign = await refresh(sandbox, key(), { token: String(reply.json['access_token']) })
  expect([foreign.status, foreign.json['code']]).toEqual([403, 'not.authorized'])
})

it('keeps the keys of organizations apart', async () => {
  const sandbox = await startSandbox({ clients: [{ id: 'neighbour', secret: 's', organization: 'Next door' }] })
  const token = async (id: string, secret: string) =>
    String((await askToken(sandbox, {}, { authorization: basic(id, secret) })).json['access_token'])
  const [mine, theirs] = [await token(clientOf(sandbox).id, clientOf(sandbox).secret), await token('neighbour', 's')]
  const [id, guest] = [key(), key()]
  await mint(sandbox, {}, mine)
  await mint(sandbox, { guestId: guest }, theirs)
  expect((await refresh(sandbox, id, { token: mine })).status).toBe(200)
  expect((await refresh(sandbox, id, { token: theirs, guest })).json['guestTokenId']).toBe(guest)
})

it('repeats a lost answer for the same key', async () => {
  const sandbox = await startSandbox()
  await mint(sandbox)
  sandbox.script([{ on: 'refresh', do: { drop: 'after' } }])
  const id = key()
  await expect(refresh(sandbox, id)).rejects.toThrow()
  const again = await refresh(sandbox, id)
  expect(again.status).toBe(200)
  expect(sandbox.journal().at(-1)).toMatchObject({ replayed: true, refreshes: 1 })
})
