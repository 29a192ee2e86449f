import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { genesysVariables } from './genesys-variables.ts'
import { type Receiver, receiver, WEBHOOK_SECRET } from './receiver.ts'
import { JWS, type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

let upstream: Sandbox
let peer: Receiver
let ann: User

beforeAll(async () => {
  upstream = await sandbox()
})
afterAll(() => upstream.close())
beforeEach(async () => {
  peer = await receiver()
  ann = user({
    ...genesysVariables(upstream.env),
    IDP_WEBHOOK_URL: `${peer.url}/idp`,
    IDM_WEBHOOK_URL: `${peer.url}/idm`,
    WEBHOOK_SECRET,
  })
})
afterEach(async () => {
  expect(ann.leaks([WEBHOOK_SECRET, upstream.env['GENESYS_CLIENT_SECRET'] ?? '', JWS])).toEqual([])
  ann.removeFolder()
  await peer.close()
})

interface Guest {
  readonly guestId: string
  readonly token: string
}
const issued = async (): Promise<Guest> => (await ann.runJson<Guest>(`${ISSUE} --reveal`)).said

describe('webhooks of the configuration', () => {
  it('tell identity management of renewed access tokens, and the identity provider of refreshed guests', async () => {
    const { guestId } = await issued()
    await ann.run(`guest refresh ${guestId}`)
    expect(peer.of('/idm').map(({ body }) => body)).toEqual([
      {
        clientId: upstream.env['GENESYS_CLIENT_ID'],
        timestamp: expect.any(Number),
        latencyMs: expect.any(Number),
        success: true,
      },
    ])
    expect(peer.of('/idp').map(({ body }) => body)).toEqual([
      {
        event: 'GUEST_TOKEN_REFRESHED',
        guestSessionId: guestId,
        syncedAt: expect.stringMatching(TIME),
        generation: 2,
      },
    ])
    const { said } = await ann.runJson<{ data: readonly { eventType: string; data: object }[] }>(
      'audit tail --lines 100',
    )
    const synced = said.data.filter(({ eventType }) => eventType === 'WEBHOOK_SYNCED')
    expect(synced.map(({ data }) => data)).toMatchObject([{ webhook: 'idm' }, { webhook: 'idp' }])
  })

  it('carry the new token to an identity provider that opted in', async () => {
    const env = { IDP_WEBHOOK_INCLUDE_TOKEN: 'true' }
    const { guestId } = await issued()
    const { said } = await ann.runJson<Guest>(`guest refresh ${guestId} --reveal`, { env })
    expect(peer.of('/idp')[0]?.body['newToken']).toBe(said.token)
  })

  it('have their deliveries in the audit file when the command ends', async () => {
    peer.answers({ afterMs: 200 })
    await ann.run(ISSUE, { env: { GUESTPASS_AUDIT_FILE: 'audit.jsonl' } })
    expect(peer.of('/idm')).toHaveLength(1)
    expect(readFileSync(join(ann.cwd, 'audit.jsonl'), 'utf8')).toContain('WEBHOOK_SYNCED')
  })

  it('that do not answer hold no command up, and get what waited from the next one', async () => {
    const { guestId } = await issued()
    peer.answers({ hangs: true })
    const asked = await ann.run(`guest refresh ${guestId}`)
    expect(asked.code).toBe(0)
    expect(peer.of('/idp')).toEqual([])
    peer.answers({})
    await ann.run('guest list')
    expect(peer.of('/idp')).toHaveLength(1)
  })

  it('get from guestpass keep what they refused at first, and the audit log its checkpoints', async () => {
    const { guestId } = await issued()
    peer.answers({ status: 503 })
    await ann.run(`guest refresh ${guestId}`)
    peer.answers({})
    const keeping = ann.start('keep')
    // Refused once, and taken by the next try.
    await expect.poll(() => peer.of('/idp').length, { timeout: 20_000 }).toBe(2)
    expect(peer.of('/idp').map(({ about }) => about)).toEqual([guestId, guestId])
    keeping.child.kill('SIGINT')
    await keeping.ended
    const { said } = await ann.runJson<{ valid: boolean; anchored: number }>('audit verify')
    expect(said.valid).toBe(true)
    expect(said.anchored).toBeGreaterThan(0)
  })

  it('are signed with a secret of their own when none is configured, which is said once', async () => {
    const env = { WEBHOOK_SECRET: '' }
    const { err } = await ann.run('webhooks list', { env })
    expect(err).toContain('WEBHOOK_SECRET is not set')
    expect((await ann.run('guest list', { env })).err).toBe('')
    const { said } = await ann.runJson<{ data: readonly { secrets: readonly string[] }[] }>('webhooks list --reveal', {
      env,
    })
    const [secret = ''] = said.data[0]?.secrets ?? []
    const own = await receiver(secret)
    try {
      const { said: test } = await ann.runJson('webhooks test idp', { env: { ...env, IDP_WEBHOOK_URL: `${own.url}/` } })
      expect([test, own.of('/').map(({ type }) => type)]).toEqual([
        { id: 'idp', delivered: true, statusCode: 204, latencyMs: expect.any(Number) },
        ['WEBHOOK_TEST'],
      ])
    } finally {
      await own.close()
    }
    expect(ann.leaks([secret])).toEqual([])
  })

  it('that fail are reported by webhooks test, with exit 1', async () => {
    peer.answers({ status: 503 })
    const { problem } = await ann.expectFailure('webhooks test idp', 1, 'webhook_failed')
    expect(problem).toMatchObject({ upstream: { status: 503 }, detail: expect.stringContaining('answered 503') })
    await ann.expectFailure('webhooks test unknown', 2, 'webhook_unknown')
  })

  it('that answer 410 are disabled, keep what waited, and can be enabled', async () => {
    peer.answers({ status: 410 })
    const { guestId } = await issued()
    await ann.run(`guest refresh ${guestId}`)
    const { said } = await ann.runJson<{ data: readonly object[] }>('webhooks list')
    expect(said.data).toMatchObject([
      { id: 'idp', disabled: { why: expect.stringContaining('410') }, waiting: 0, deadLetters: 1 },
      { id: 'idm', disabled: { at: expect.stringMatching(TIME) }, waiting: 0, deadLetters: 1 },
    ])
    expect((await ann.run('webhooks dead idp')).out).toMatch(
      /^EVENT .*\n[\da-f-]{36} {2}REFRESH_COMPLETED .* {2}the endpoint answered 410\nSend them again with `guestpass webhooks redeliver idp`\.\n$/,
    )
    await ann.expectFailure('webhooks redeliver idp', 1, 'webhook_failed')
    expect((await ann.run('doctor')).out).toMatch(/^warning {2}webhooks: idp is disabled .*; idm is disabled/m)
    peer.answers({})
    await ann.run('webhooks enable idp')
    expect((await ann.runJson('webhooks redeliver idp')).said).toEqual({ id: 'idp', redelivered: 1 })
    expect(peer.of('/idp').at(-1)?.body).toMatchObject({ guestSessionId: guestId })
    expect((await ann.run('webhooks dead idp')).out).toBe('No dead letters.\n')
  })
})

describe('webhooks that a user adds', () => {
  it('are listed, get a new secret beside the old one, and are removed', async () => {
    const added = await ann.runJson<{ id: string; secrets: readonly string[] }>(
      'webhooks add https://hooks.example.invalid/in --event GUEST_ERASED KEYS_ROTATED',
    )
    expect(added).toMatchObject({
      code: 0,
      said: {
        contract: 'standard',
        events: ['GUEST_ERASED', 'KEYS_ROTATED'],
        includeToken: false,
        configured: false,
        secrets: [expect.stringMatching(/^gp_….{4}$/)],
      },
    })
    const { id, secrets } = added.said
    const rotated = await ann.runJson<{ secrets: readonly string[] }>(`webhooks rotate ${id}`)
    expect(rotated.said.secrets).toEqual([expect.stringMatching(/^gp_…/), secrets[0]])
    expect((await ann.run('webhooks list')).out).toContain(`${id}  https://hooks.example.invalid/in`)
    expect((await ann.run(`webhooks remove ${id}`)).code).toBe(0)
    await ann.expectFailure(`webhooks remove ${id}`, 2, 'webhook_unknown')
  })

  it.each([
    'http://hooks.example.com/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://[::1]/',
    'https://169.254.169.254/',
  ])('at %s are refused', async (url) => {
    const { problem } = await ann.expectFailure(`webhooks add ${url}`, 2, 'invalid_input')
    expect(problem.fields?.[0]?.field).toBe('<url>')
  })
})
