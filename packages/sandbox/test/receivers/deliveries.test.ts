import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import type { Sandbox } from '../../src/index.ts'
import { control, failureCode, send, START, startSandbox } from '../genesys-client.ts'

const OLD = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='
const NEW = 'whsec_Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA='
const BODY = '{"event": "GUEST_TOKEN_REFRESHED",\n "newToken": "the-new-token", "email": "ann@mail.example"}'

const signed = (secret: string, id = 'msg_1', at = START, body = BODY): Record<string, string> => ({
  'webhook-id': id,
  'webhook-timestamp': String(at / 1000),
  'webhook-signature': new Webhook(secret).sign(id, new Date(at), body),
})

const deliver = async (sandbox: Sandbox, headers: Record<string, string>, name = 'idp') =>
  send(sandbox, `/webhooks/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: BODY,
  })

describe('a receiver', () => {
  it('keeps a webhook unchanged, and whether its signature is right', async () => {
    const sandbox = await startSandbox()
    const headers = signed(sandbox.env['WEBHOOK_SECRET'] ?? '')
    expect((await deliver(sandbox, headers)).status).toBe(204)
    const [only] = sandbox.deliveries()
    expect(only).toEqual({
      name: 'idp',
      at: '2026-01-01T00:00:00.000Z',
      headers,
      body: BODY,
      verified: true,
      copy: 1,
    })
    expect(JSON.parse((await send(sandbox, '/__sandbox/deliveries?name=idp')).text)).toEqual([only])
  })

  it('is at the addresses of the environment variables', async () => {
    const sandbox = await startSandbox()
    for (const name of ['IDP_WEBHOOK_URL', 'IDM_WEBHOOK_URL', 'ANALYTICS_WEBHOOK_URL']) {
      await fetch(sandbox.env[name] ?? '', { method: 'POST', body: BODY })
    }
    expect(sandbox.deliveries().map(({ name, verified }) => [name, verified])).toEqual([
      ['idp', false],
      ['idm', false],
      ['analytics', false],
    ])
  })

  it('counts deliveries of the same id, for each name', async () => {
    const sandbox = await startSandbox({ webhookSecrets: [OLD] })
    await deliver(sandbox, signed(OLD))
    await deliver(sandbox, signed(OLD), 'idm')
    await deliver(sandbox, signed(OLD, 'msg_2'))
    await deliver(sandbox, signed(OLD))
    await deliver(sandbox, {})
    await deliver(sandbox, {})
    expect(sandbox.deliveries('idp').map(({ copy }) => copy)).toEqual([1, 1, 2, 1, 1])
    expect(sandbox.deliveries('idm').map(({ copy }) => copy)).toEqual([1])
  })

  it('accepts one right signature among several, by any of its secrets', async () => {
    const sandbox = await startSandbox({ webhookSecrets: [OLD, NEW] })
    expect(sandbox.env['WEBHOOK_SECRET']).toBe(`${OLD},${NEW}`)
    const both = { ...signed(OLD), 'webhook-signature': `v1,AAAA v1a,x ${signed(NEW)['webhook-signature']}` }
    for (const headers of [signed(OLD), signed(NEW), both]) await deliver(sandbox, headers)
    expect(sandbox.deliveries().map(({ verified }) => verified)).toEqual([true, true, true])
  })

  it.each<[string, Record<string, string>]>([
    ['another secret', signed(NEW)],
    ['another body', signed(OLD, 'msg_1', START, '{}')],
    ['another id', { ...signed(OLD), 'webhook-id': 'msg_2' }],
    ['another timestamp', { ...signed(OLD), 'webhook-timestamp': '1' }],
    ['a timestamp that is none', { ...signed(OLD), 'webhook-timestamp': 'now' }],
    ['no id', { 'webhook-timestamp': '1', 'webhook-signature': 'v1,AAAA' }],
    ['no signature', { 'webhook-id': 'msg_1', 'webhook-timestamp': '1' }],
    [
      'a signature of another version',
      { ...signed(OLD), 'webhook-signature': `v2,${signed(OLD)['webhook-signature']}` },
    ],
  ])('takes what is not signed rightly too, and says so: %s', async (_, headers) => {
    const sandbox = await startSandbox({ webhookSecrets: [OLD] })
    expect((await deliver(sandbox, headers)).status).toBe(204)
    expect(sandbox.deliveries()).toMatchObject([{ verified: false, body: BODY }])
  })

  it('verifies with new secrets from then on', async () => {
    const sandbox = await startSandbox({ webhookSecrets: [OLD] })
    expect((await control(sandbox, 'webhooks', { secrets: [NEW] })).status).toBe(204)
    await deliver(sandbox, signed(NEW))
    sandbox.webhookSecrets([OLD])
    await deliver(sandbox, signed(NEW))
    expect(sandbox.deliveries().map(({ verified }) => verified)).toEqual([true, false])
  })

  it.each([[[]], [['whsec_AAAA']], [['AAECAwQFBgcICQoLDA0ODxAREhMUFRYX']], [[`${OLD}=`]], ['whsec_']])(
    'takes no secrets %j',
    async (secrets) => {
      const sandbox = await startSandbox({ webhookSecrets: [OLD] })
      expect((await control(sandbox, 'webhooks', { secrets })).status).toBe(400)
      expect(() => sandbox.webhookSecrets(secrets as string[])).toThrow(/^The secrets are not valid: /)
      await deliver(sandbox, signed(OLD))
      expect(sandbox.deliveries()).toMatchObject([{ verified: true }])
    },
  )

  it('removes all deliveries, or those of one name', async () => {
    const sandbox = await startSandbox()
    for (const name of ['idp', 'idm', 'mine']) await deliver(sandbox, signed(OLD), name)
    expect((await send(sandbox, '/__sandbox/deliveries?name=idp', { method: 'DELETE' })).status).toBe(204)
    expect(sandbox.deliveries().map(({ name }) => name)).toEqual(['idm', 'mine'])
    sandbox.clearDeliveries('idm')
    expect(sandbox.deliveries().map(({ name }) => name)).toEqual(['mine'])
    sandbox.clearDeliveries()
    expect(sandbox.deliveries()).toEqual([])
    await deliver(sandbox, signed(OLD))
    expect(sandbox.deliveries()).toMatchObject([{ copy: 1 }])
  })

  it('keeps no webhook that was refused or dropped before, and one that was dropped after', async () => {
    const sandbox = await startSandbox()
    sandbox.script([
      { on: 'webhook', do: { status: 503, headers: { 'retry-after': '1' } } },
      { on: 'webhook', do: { drop: 'before' } },
      { on: 'webhook', do: { drop: 'after' } },
    ])
    expect((await deliver(sandbox, signed(OLD))).headers.get('retry-after')).toBe('1')
    expect(await failureCode(deliver(sandbox, signed(OLD)))).toBe('ECONNRESET')
    expect(sandbox.deliveries()).toEqual([])
    expect(await failureCode(deliver(sandbox, signed(OLD)))).toBe('ECONNRESET')
    expect(sandbox.deliveries()).toHaveLength(1)
  })
})

it('masks token and address of a webhook in the journal', async () => {
  const sandbox = await startSandbox()
  await deliver(sandbox, signed(OLD))
  const mark = expect.stringMatching(/^sha256:[0-9a-f]{12}$/)
  expect(sandbox.journal()).toMatchObject([
    { operation: 'webhook', body: { event: 'GUEST_TOKEN_REFRESHED', newToken: mark, email: mark } },
  ])
})
