import { expect, it } from 'vitest'
import { createGuest } from './guest-client.ts'
import { accessToken, askToken, control, GUEST, keySet, mint, send, START, startSandbox } from './genesys-client.ts'
import { codeFor, exchange, refreshSignIn } from './user-client.ts'

it('brings everything back to the start, and keeps what leads clients to the sandbox', async () => {
  const faults = [{ on: 'jwks', do: { status: 503 } }] as const
  const sandbox = await startSandbox({ autoConsent: true, faults })
  const { url, env, users, channelId, controlToken, publicClientId } = sandbox
  await send(sandbox, '/.well-known/jwks.json')
  const keys = (await keySet(sandbox)).keys.map(({ kid }) => kid)
  const token = await accessToken(sandbox)
  const signedIn = await exchange(sandbox, await codeFor(sandbox))
  expect((await createGuest(sandbox, { token })).status).toBe(201)
  expect((await createGuest(sandbox, { token })).status).toBe(409)
  await mint(sandbox, {}, token)
  await sandbox.rollKeys({ drop: true })
  sandbox.script([{ on: 'token', do: { status: 500 }, times: 9 }])
  sandbox.advance(3_600_000)
  sandbox.setLimits({ perMinute: 1 })
  sandbox.consent({ auto: false })
  sandbox.channel({ id: channelId, enabled: false })
  await send(sandbox, '/webhooks/idp', { method: 'POST', body: '{}' })

  const answer = await control(sandbox, 'reset', undefined)
  expect(answer.status).toBe(204)

  expect((await send(sandbox, '/.well-known/jwks.json')).status).toBe(503)
  expect((await keySet(sandbox)).keys.map(({ kid }) => kid)).toEqual(keys)
  expect(sandbox.journal().map(({ seq, at }) => [seq, at])).toEqual([
    [1, new Date(START).toISOString()],
    [2, new Date(START).toISOString()],
  ])
  expect([sandbox.guests(), sandbox.deliveries()]).toEqual([[], []])
  expect((await send(sandbox, '/api/v2/tokens/me', { headers: { authorization: `Bearer ${token}` } })).status).toBe(401)
  expect((await refreshSignIn(sandbox, String(signedIn.json['refresh_token']))).json['error']).toBe('invalid_grant')
  expect((await send(sandbox, '/__sandbox/limits')).json).toEqual({ perMinute: 300 })
  expect((await send(sandbox, '/__sandbox/consent')).json).toEqual({ auto: true })
  expect((await createGuest(sandbox)).status).toBe(201)
  expect([url, env, users, channelId, controlToken, publicClientId]).toEqual([
    sandbox.url,
    sandbox.env,
    sandbox.users,
    sandbox.channelId,
    sandbox.controlToken,
    sandbox.publicClientId,
  ])
  const { json } = await send(sandbox, '/__sandbox/channels')
  expect(json).toMatchObject([{ id: channelId, enabled: true }])
})

it('gives new tokens after a reset, and with a seed the same ids again', async () => {
  const sandbox = await startSandbox({ guests: [{ email: 'ann@example.com' }] })
  const ids = sandbox.guests().map(({ guestId }) => guestId)
  await sandbox.reset()
  expect(sandbox.guests()).toMatchObject([{ email: 'ann@example.com', live: true }])
  expect(sandbox.guests().map(({ guestId }) => guestId)).not.toEqual(ids)

  const seeded = await startSandbox({ seed: 7, guests: [{ email: 'ann@example.com' }] })
  const known = seeded.guests()
  await seeded.reset()
  expect(seeded.guests()).toEqual(known)
  expect((await askToken(seeded)).status).toBe(200)
})

it('resets while requests run, which end on what was there before', async () => {
  const sandbox = await startSandbox({ faults: [{ on: 'mint', do: { delayMs: 50 } }] })
  const running = mint(sandbox)
  await expect.poll(() => sandbox.journal().at(-1)?.operation).toBe('mint')
  await sandbox.reset()
  expect((await running).status).toBe(200)
  expect(sandbox.guests().map(({ guestId }) => guestId)).not.toContain(GUEST)
})
