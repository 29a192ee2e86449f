import { expect, it } from 'vitest'
import { type SandboxOptions, sandbox } from '../src/index.ts'
import { createRandomness } from '../src/random.ts'
import { accessToken, askToken, failure, own, send, started } from './genesys-client.ts'

it('hands out an environment that works as it is', async () => {
  const it = await started()
  expect(it.env).toEqual({
    GENESYS_OAUTH_BASE_URL: it.url,
    GENESYS_API_BASE_URL: it.url,
    GENESYS_CLIENT_ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
    GENESYS_CLIENT_SECRET: expect.stringMatching(/^sandbox-secret-[\w-]{43}$/),
    GENESYS_PUBLIC_CLIENT_ID: it.publicClientId,
    GENESYS_JWKS_URL: `${it.url}/.well-known/jwks.json`,
    CRM_BASE_URL: `${it.url}/crm`,
    IDP_WEBHOOK_URL: `${it.url}/webhooks/idp`,
    IDM_WEBHOOK_URL: `${it.url}/webhooks/idm`,
    ANALYTICS_WEBHOOK_URL: `${it.url}/webhooks/analytics`,
    WEBHOOK_SECRET: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    GENESYS_SCOPES:
      'webmessaging:guest:create webmessaging:guesttoken:write guest:write guest:read externalusers:write',
  })
  expect((await askToken(it, { scope: it.env['GENESYS_SCOPES'] ?? '' })).status).toBe(200)
  expect((await fetch(it.env['GENESYS_JWKS_URL'] ?? '')).status).toBe(200)
})

it('has the same ids and secrets for the same seed, and others for another', async () => {
  const [one, two, three, free] = [
    await started({ seed: 1 }),
    await started({ seed: 1 }),
    await started({ seed: 2 }),
    await started(),
  ]
  expect(own(one)).toEqual(own(two))
  expect(one.controlToken).toBe(two.controlToken)
  expect(one.env['WEBHOOK_SECRET']).toBe(two.env['WEBHOOK_SECRET'])
  expect(own(three)).not.toEqual(own(one))
  expect(own(free)).not.toEqual(own(await started()))
})

it('makes ids that are UUIDs of version 4, seeded or not', () => {
  for (const source of [createRandomness(), createRandomness(3)]) {
    const ids = Array.from({ length: 50 }, () => source.uuid())
    expect(new Set(ids).size).toBe(50)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
})

it('refuses a time and a limit that make no sense, and keeps what it had', async () => {
  const it = await started()
  for (const bad of [Number.NaN, 1e15]) {
    expect(() => it.setClock(bad)).toThrow(RangeError)
    expect(() => it.advance(bad)).toThrow(RangeError)
  }
  expect(() => it.setLimits({ perMinute: -1 })).toThrow(/^The limit is not valid: perMinute/)
  expect((await askToken(it)).status).toBe(200)
  expect((await send(it, '/__sandbox/limits')).json).toEqual({ perMinute: 300 })
})

it("rejects with the platform's error when the port is taken", async () => {
  const first = await started()
  const port = Number(new URL(first.url).port)
  await expect(sandbox({ port, algorithm: 'ES256' })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

it('names every invalid option at once', async () => {
  const options = { port: 70_000, accessTokenSeconds: 0, colour: 'red' } as SandboxOptions
  await expect(sandbox(options)).rejects.toThrow(
    /^The sandbox's options are not valid: .*port.*accessTokenSeconds.*colour/,
  )
})

it('ends running requests when it closes, and may be closed twice', async () => {
  const it = await started({ faults: [{ on: 'token', do: { delayMs: 600_000 } }] })
  const asked = failure(askToken(it))
  await expect.poll(() => it.journal().length).toBe(1)
  await it.close()
  await it.close()
  expect(await asked).not.toBe('answered')
  expect(await failure(send(it, '/'))).toBe('ECONNREFUSED')
})

it('names each exchange in the answer, and in its error body', async () => {
  const it = await started()
  const [one, two] = [await send(it, '/nowhere'), await send(it, '/nowhere')]
  expect(one.json).toMatchObject({ code: 'not.found', status: 404, contextId: one.headers.get('inin-correlation-id') })
  expect(one.headers.get('inin-correlation-id')).not.toBe(two.headers.get('inin-correlation-id'))
  expect((await askToken(it)).headers.get('inin-correlation-id')).toMatch(/^[0-9a-f-]{36}$/)
})

it("keeps the system's time unless told otherwise", async () => {
  const before = Date.now()
  const it = await sandbox({ algorithm: 'ES256' })
  try {
    await accessToken(it)
    const at = Date.parse(it.journal()[0]?.at ?? '')
    expect(at).toBeGreaterThanOrEqual(before)
    expect(at).toBeLessThanOrEqual(Date.now())
  } finally {
    await it.close()
  }
})
