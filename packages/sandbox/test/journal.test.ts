import { expect, it } from 'vitest'
import type { JournalEntry, Sandbox } from '../src/index.ts'
import {
  accessToken,
  askToken,
  basic,
  GUEST,
  mint,
  clientOf,
  post,
  send,
  SCOPES,
  startSandbox,
} from './genesys-client.ts'

const last = (sandbox: Sandbox): JournalEntry => sandbox.journal().at(-1) ?? expect.fail('the journal is empty')

it('has each request and its answer', async () => {
  const sandbox = await startSandbox()
  await mint(sandbox)
  sandbox.advance(1500)
  await mint(sandbox)
  expect(last(sandbox)).toMatchObject({
    seq: 4,
    at: '2026-01-01T00:00:01.500Z',
    method: 'POST',
    path: '/api/v2/webmessaging/guests/generate-token',
    operation: 'mint',
    status: 200,
    guestId: GUEST,
    headers: { 'content-type': 'application/json' },
    body: { guestId: GUEST, expirationDurationSeconds: 3600, scopes: SCOPES },
  })
})

it('is the same over HTTP, without the control routes themselves', async () => {
  const sandbox = await startSandbox()
  await send(sandbox, '/nowhere?a=1', { method: 'PUT', body: 'x' })
  const first = await send(sandbox, '/__sandbox/journal')
  const { text, headers } = await send(sandbox, '/__sandbox/journal')
  expect(first.text).toBe(text)
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(sandbox.journal())))
  expect(sandbox.journal()).toMatchObject([{ method: 'PUT', path: '/nowhere?a=1', status: 404 }])
  expect(headers.get('x-sandbox-dropped')).toBe('0')
})

it('masks secrets, with the same digest for the same secret only', async () => {
  const sandbox = await startSandbox({ clientId: 'app', clientSecret: 'correct horse' })
  const first = await askToken(sandbox, {}, { authorization: basic('app', 'correct horse') })
  const token = String(first.json['access_token'])
  await askToken(sandbox, {}, {})
  await askToken(sandbox, { client_id: 'app', client_secret: 'correct horse' }, {})
  await askToken(sandbox, { client_id: 'app', client_secret: 'wrong horse' }, {})
  await mint(sandbox, { refreshToken: 'wrong horse', attributes: { token: 'correct horse' } }, token)
  await mint(sandbox, { note: `sent with ${token}` }, token)
  const [basicHeader, none, right, wrong, nested, noted] = sandbox.journal()
  const mark = /^sha256:[0-9a-f]{12}$/
  expect(basicHeader?.headers['authorization']).toMatch(/^Basic sha256:[0-9a-f]{12}$/)
  expect(none?.headers['authorization']).toBeUndefined()
  expect(right?.body).toMatchObject({ client_id: 'app', client_secret: expect.stringMatching(mark) })
  const secretOf = (entry: JournalEntry | undefined) =>
    (entry?.body as Record<string, unknown> | undefined)?.['client_secret']
  expect(secretOf(wrong)).not.toBe(secretOf(right))
  expect(nested?.body).toMatchObject({ refreshToken: secretOf(wrong), attributes: { token: secretOf(right) } })
  expect(noted?.headers['authorization']).toBe(nested?.headers['authorization'])
  const whole = JSON.stringify(sandbox.journal())
  for (const secret of ['horse', token, Buffer.from('app:correct').toString('base64').slice(0, 12)]) {
    expect(whole).not.toContain(secret)
  }
})

it('masks secrets in the path, in cookies and in keys', async () => {
  const sandbox = await startSandbox()
  await send(sandbox, '/callback?code=sesame&state=open&ACCESS_TOKEN=sesame', {
    headers: { cookie: 'sid=sesame', 'x-api-key': 'sesame' },
  })
  const { path, headers } = last(sandbox)
  expect(path).toMatch(/^\/callback\?code=(sha256:[0-9a-f]{12})&state=open&ACCESS_TOKEN=\1$/)
  expect(JSON.stringify(headers)).not.toContain('sesame')
})

it('shows size and digest of a body that cannot be parsed', async () => {
  const sandbox = await startSandbox()
  const authorization = `Bearer ${await accessToken(sandbox)}`
  const body = '{"client_secret": "sesame'
  await send(sandbox, '/api/v2/webmessaging/guests/generate-token', {
    method: 'POST',
    headers: { authorization },
    body,
  })
  expect(last(sandbox).body).toEqual({
    unreadable: { bytes: body.length, digest: expect.stringMatching(/^sha256:[0-9a-f]{12}$/) },
  })
})

it('keeps the newest entries in order, and counts the dropped ones', async () => {
  const sandbox = await startSandbox({ journalSize: 3 })
  for (const n of [1, 2, 3, 4, 5]) await send(sandbox, `/n/${n}`)
  expect(sandbox.journal().map(({ seq, path }) => [seq, path])).toEqual([
    [3, '/n/3'],
    [4, '/n/4'],
    [5, '/n/5'],
  ])
  expect((await send(sandbox, '/__sandbox/journal')).headers.get('x-sandbox-dropped')).toBe('2')
})

it('can be cleared, and continues its numbers', async () => {
  const sandbox = await startSandbox()
  await send(sandbox, '/one')
  expect((await send(sandbox, '/__sandbox/journal', { method: 'DELETE' })).status).toBe(204)
  expect(sandbox.journal()).toEqual([])
  await send(sandbox, '/two')
  expect(sandbox.journal()).toMatchObject([{ seq: 2, path: '/two' }])
})

it('returns copies', async () => {
  const sandbox = await startSandbox()
  await post(sandbox, '/one', {})
  Object.assign(sandbox.journal()[0] ?? {}, { path: '/forged' })
  expect(sandbox.journal()[0]?.path).toBe('/oauth/token')
  expect(clientOf(sandbox).secret).not.toBe('')
})
