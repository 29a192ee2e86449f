import { expect, it } from 'vitest'
import { type SandboxOptions, sandbox } from '../src/index.ts'
import { createRandomness } from '../src/random.ts'
import { accessToken, askToken, failureCode, clientOf, send, startSandbox } from './genesys-client.ts'

it('gives environment variables with which a client works', async () => {
  const genesys = await startSandbox()
  expect(genesys.env).toEqual({
    GENESYS_OAUTH_BASE_URL: genesys.url,
    GENESYS_API_BASE_URL: genesys.url,
    GENESYS_CLIENT_ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
    GENESYS_CLIENT_SECRET: expect.stringMatching(/^sandbox-secret-[\w-]{43}$/),
    GENESYS_PUBLIC_CLIENT_ID: genesys.publicClientId,
    GENESYS_JWKS_URL: `${genesys.url}/.well-known/jwks.json`,
    CRM_BASE_URL: `${genesys.url}/crm`,
    IDP_WEBHOOK_URL: `${genesys.url}/webhooks/idp`,
    IDM_WEBHOOK_URL: `${genesys.url}/webhooks/idm`,
    ANALYTICS_WEBHOOK_URL: `${genesys.url}/webhooks/analytics`,
    WEBHOOK_SECRET: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    GENESYS_SCOPES:
      'webmessaging:guest:create webmessaging:guesttoken:write guest:write guest:read externalusers:write',
    GENESYS_TOKEN_ALGORITHMS: 'ES256',
  })
  expect((await askToken(genesys, { scope: genesys.env['GENESYS_SCOPES'] ?? '' })).status).toBe(200)
  expect((await fetch(genesys.env['GENESYS_JWKS_URL'] ?? '')).status).toBe(200)
})

it('begins all addresses with the public one, and answers to its name', async () => {
  const genesys = await startSandbox({ publicUrl: 'http://sandbox.test:4000/' })
  expect(genesys.url).toBe('http://sandbox.test:4000')
  const { GENESYS_API_BASE_URL, GUESTPASS_INSECURE_HOSTS } = genesys.env
  expect([GENESYS_API_BASE_URL, GUESTPASS_INSECURE_HOSTS]).toEqual([genesys.url, 'sandbox.test:4000'])
  const behindTls = await startSandbox({ publicUrl: 'https://sandbox.test' })
  expect(behindTls.env['GUESTPASS_INSECURE_HOSTS']).toBeUndefined()
  for (const publicUrl of ['sandbox:4000', 'ftp://sandbox', 'http://a:b@sandbox', 'http://sandbox?a']) {
    await expect(sandbox({ publicUrl })).rejects.toThrow(/publicUrl: an address/)
  }
})

it('repeats ids and secrets for the same seed, and differs for another', async () => {
  const [one, two, three, free] = [
    await startSandbox({ seed: 1 }),
    await startSandbox({ seed: 1 }),
    await startSandbox({ seed: 2 }),
    await startSandbox(),
  ]
  expect(clientOf(one)).toEqual(clientOf(two))
  expect(one.controlToken).toBe(two.controlToken)
  expect(one.env['WEBHOOK_SECRET']).toBe(two.env['WEBHOOK_SECRET'])
  expect(clientOf(three)).not.toEqual(clientOf(one))
  expect(clientOf(free)).not.toEqual(clientOf(await startSandbox()))
})

it('makes ids that are UUIDs of version 4, seeded or not', () => {
  for (const source of [createRandomness(), createRandomness(3)]) {
    const ids = Array.from({ length: 50 }, () => source.uuid())
    expect(new Set(ids).size).toBe(50)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
})

it('refuses an offset and a limit that are out of range, and changes nothing', async () => {
  const genesys = await startSandbox()
  for (const bad of [Number.NaN, 1e15]) {
    expect(() => genesys.setClock(bad)).toThrow(RangeError)
    expect(() => genesys.advance(bad)).toThrow(RangeError)
  }
  expect(() => genesys.setLimits({ perMinute: -1 })).toThrow(/^The limit is not valid: perMinute/)
  expect(() => genesys.setLimits(300 as never)).toThrow('The limit is not valid: an object as { perMinute: 300,')
  expect((await askToken(genesys)).status).toBe(200)
  expect((await send(genesys, '/__sandbox/limits')).json).toEqual({ perMinute: 300 })
})

it("rejects with the platform's error when the port is taken", async () => {
  const first = await startSandbox()
  const port = Number(new URL(first.url).port)
  await expect(sandbox({ port, algorithm: 'ES256' })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

it('names every invalid option at once', async () => {
  const options = { port: 70_000, accessTokenSeconds: 0, colour: 'red' } as SandboxOptions
  await expect(sandbox(options)).rejects.toThrow(
    /^The sandbox's options are not valid: .*port.*accessTokenSeconds.*colour/,
  )
  await expect(sandbox({ rateLimit: 300 as never })).rejects.toThrow('rateLimit: an object as { perMinute: 300,')
})

it('ends running requests when it closes, and may be closed twice', async () => {
  const genesys = await startSandbox({ faults: [{ on: 'token', do: { delayMs: 600_000 } }] })
  const asked = failureCode(askToken(genesys))
  await expect.poll(() => genesys.journal().length).toBe(1)
  await genesys.close()
  await genesys.close()
  expect(await asked).not.toBe('answered')
  expect(await failureCode(send(genesys, '/'))).toBe('ECONNREFUSED')
})

it('has a correlation id in each answer, and in its error body', async () => {
  const genesys = await startSandbox()
  const [one, two] = [await send(genesys, '/nowhere'), await send(genesys, '/nowhere')]
  expect(one.json).toMatchObject({ code: 'not.found', status: 404, contextId: one.headers.get('inin-correlation-id') })
  expect(one.headers.get('inin-correlation-id')).not.toBe(two.headers.get('inin-correlation-id'))
  expect((await askToken(genesys)).headers.get('inin-correlation-id')).toMatch(/^[0-9a-f-]{36}$/)
})

it('uses the clock of the system by default', async () => {
  const before = Date.now()
  const genesys = await sandbox({ algorithm: 'ES256' })
  try {
    await accessToken(genesys)
    const at = Date.parse(genesys.journal()[0]?.at ?? '')
    expect(at).toBeGreaterThanOrEqual(before)
    expect(at).toBeLessThanOrEqual(Date.now())
  } finally {
    await genesys.close()
  }
})
