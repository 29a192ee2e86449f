import { describe, expect, it } from 'vitest'
import type { Sandbox } from '../../src/index.ts'
import { askToken, basic, claims, control, clientOf, type Reply, send, startSandbox } from '../genesys-client.ts'
import { type Parameters, refreshSignIn, refusal, tokensOf } from '../user-client.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

interface Device {
  readonly code: string
  readonly userCode: string
}

function begin(sandbox: Sandbox, form: Parameters = {}, path = '/oauth/device_authorization'): Promise<Reply> {
  const body = new URLSearchParams({ client_id: sandbox.publicClientId, scope: 'user:read', ...form })
  return send(sandbox, path, { method: 'POST', body })
}

async function newDevice(sandbox: Sandbox, form?: Parameters): Promise<Device> {
  const { json } = await begin(sandbox, form)
  return { code: String(json['device_code']), userCode: String(json['user_code']) }
}

const poll = (sandbox: Sandbox, { code }: Device, form: Parameters = {}): Promise<Reply> =>
  askToken(sandbox, { grant_type: GRANT, device_code: code, client_id: sandbox.publicClientId, ...form }, {})

const ask = async (sandbox: Sandbox, device: Device) => refusal(await poll(sandbox, device))

describe('a device', () => {
  it.each(['/oauth/device_authorization', '/api/v2/oauth/device_authorization'])(
    'gets at %s the code and the address for its user',
    async (path) => {
      const sandbox = await startSandbox()
      const { status, headers, json } = await begin(sandbox, {}, path)
      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
      expect(json).toEqual({
        device_code: expect.stringMatching(/^sandbox-secret-[\w-]{43}$/),
        user_code: expect.stringMatching(/^[BCDFGHJ-NP-TV-XZ]{4}-[BCDFGHJ-NP-TV-XZ]{4}$/),
        verification_uri: `${sandbox.url}/device`,
        verification_uri_complete: `${sandbox.url}/device?user_code=${String(json['user_code'])}`,
        expires_in: 600,
        interval: 5,
      })
    },
  )

  it('gets the tokens of the user who allowed it, once', async () => {
    const sandbox = await startSandbox()
    const device = await newDevice(sandbox, { scope: 'user:read openid' })
    expect(await ask(sandbox, device)).toEqual([400, 'authorization_pending'])
    sandbox.device({ userCode: device.userCode, approve: true, user: sandbox.users[1]?.id })
    const reply = await poll(sandbox, device)
    expect(reply.json).toMatchObject({ token_type: 'bearer', scope: 'user:read openid' })
    for (const token of ['access_token', 'id_token']) {
      expect(claims(reply.json[token])['sub']).toBe(sandbox.users[1]?.id)
    }
    expect((await refreshSignIn(sandbox, tokensOf(reply).refresh)).status).toBe(200)
    expect(await ask(sandbox, device)).toEqual([400, 'invalid_grant'])
  })

  it('that polls too early gets slow_down, and five seconds more each time', async () => {
    const sandbox = await startSandbox()
    const device = await newDevice(sandbox)
    expect(await ask(sandbox, device)).toEqual([400, 'authorization_pending'])
    sandbox.advance(4999)
    expect(await ask(sandbox, device)).toEqual([400, 'slow_down'])
    sandbox.advance(9999)
    expect(await ask(sandbox, device)).toEqual([400, 'slow_down'])
    sandbox.advance(15_000)
    expect(await ask(sandbox, device)).toEqual([400, 'authorization_pending'])
  })

  it('gets access_denied after a denial, and expired_token after its lifetime', async () => {
    const sandbox = await startSandbox()
    const [denied, late] = [await newDevice(sandbox), await newDevice(sandbox)]
    sandbox.device({ userCode: denied.userCode, approve: false })
    expect(await ask(sandbox, denied)).toEqual([400, 'access_denied'])
    sandbox.advance(600_000)
    expect(await ask(sandbox, late)).toEqual([400, 'expired_token'])
    expect(() => sandbox.device({ userCode: late.userCode, approve: true })).toThrow(
      /^The decision is not valid: userCode/,
    )
  })

  it('is refused without, or with the wrong, client, code and scope', async () => {
    const sandbox = await startSandbox({ clients: [{ id: 'other' }] })
    const device = await newDevice(sandbox)
    expect(refusal(await begin(sandbox, { client_id: 'unknown' }))).toEqual([401, 'invalid_client'])
    expect(refusal(await begin(sandbox, { scope: 'user:fly' }))).toEqual([400, 'invalid_scope'])
    expect(refusal(await poll(sandbox, device, { client_id: 'other' }))).toEqual([400, 'invalid_grant'])
    expect(refusal(await poll(sandbox, device, { device_code: 'unknown' }))).toEqual([400, 'invalid_grant'])
    expect(refusal(await poll(sandbox, device, { device_code: '' }))).toEqual([400, 'invalid_request'])
  })

  it('may belong to a client with a secret', async () => {
    const sandbox = await startSandbox()
    const { id, secret } = clientOf(sandbox)
    const body = new URLSearchParams({ scope: 'user:read' })
    const headers = { authorization: basic(id, secret) }
    const { status } = await send(sandbox, '/oauth/device_authorization', { method: 'POST', headers, body })
    expect(status).toBe(200)
  })

  it('takes scripted faults', async () => {
    const sandbox = await startSandbox({ faults: [{ on: 'device', do: { status: 503 } }] })
    expect(refusal(await begin(sandbox))).toEqual([503, 'temporarily_unavailable'])
  })
})

describe('the control route for devices', () => {
  it('decides by the code, with any case, blanks and dashes', async () => {
    const sandbox = await startSandbox()
    const device = await newDevice(sandbox)
    const userCode = ` ${device.userCode.toLowerCase().replace('-', ' ')}`
    expect((await control(sandbox, 'device', { userCode, approve: true })).status).toBe(204)
    expect((await poll(sandbox, device)).status).toBe(200)
  })

  it.each([{}, { userCode: 'BBBB-BBBB', approve: true }, { userCode: '', approve: true }, { approve: true }])(
    'refuses %j',
    async (body) => {
      const sandbox = await startSandbox()
      await newDevice(sandbox)
      const reply = await control(sandbox, 'device', body)
      expect(reply.status).toBe(400)
      expect(reply.json).toMatchObject({
        errors: expect.arrayContaining([expect.objectContaining({ field: 'userCode' })]),
      })
    },
  )
})

describe('the page for devices', () => {
  const page = (sandbox: Sandbox, userCode?: string): Promise<Reply> =>
    send(sandbox, `/device${userCode === undefined ? '' : `?user_code=${userCode}`}`)

  function press(sandbox: Sandbox, { text, headers }: Reply, form: Parameters): Promise<Reply> {
    const formToken = /name="form_token" value="([\w-]+)"/.exec(text)?.[1] ?? ''
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? ''
    const body = new URLSearchParams({ form_token: formToken, ...form })
    return send(sandbox, '/device', { method: 'POST', headers: { cookie }, body })
  }

  it('asks for the code, and again when no device shows it', async () => {
    const sandbox = await startSandbox()
    const first = await page(sandbox)
    expect([first.status, first.text]).toEqual([200, expect.stringContaining('name="user_code"')])
    const wrong = await page(sandbox, 'BBBB-BBBB')
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringMatching(/role="alert"[\s\S]*name="user_code"/)])
  })

  it('shows the code to compare, and lets the user allow or deny', async () => {
    const sandbox = await startSandbox()
    const [yes, no] = [await newDevice(sandbox), await newDevice(sandbox)]
    const asked = await page(sandbox, yes.userCode)
    expect(asked.text).toContain(`<strong>${yes.userCode}</strong>`)
    const user = sandbox.users[1]?.id ?? ''
    expect((await press(sandbox, asked, { decision: 'allow', user })).text).toContain('The device is signed in.')
    await press(sandbox, await page(sandbox, no.userCode), { decision: 'deny' })
    expect(claims((await poll(sandbox, yes)).json['access_token'])['sub']).toBe(user)
    expect(await ask(sandbox, no)).toEqual([400, 'access_denied'])
  })

  it('ignores a form of another page', async () => {
    const sandbox = await startSandbox()
    const device = await newDevice(sandbox)
    const asked = await page(sandbox, device.userCode)
    expect((await press(sandbox, asked, { form_token: 'made-up', decision: 'allow' })).status).toBe(400)
    expect(await ask(sandbox, device)).toEqual([400, 'authorization_pending'])
  })

  it('refuses a decision after another one', async () => {
    const sandbox = await startSandbox()
    const device = await newDevice(sandbox)
    const asked = await page(sandbox, device.userCode)
    sandbox.device({ userCode: device.userCode, approve: false })
    expect((await press(sandbox, asked, { decision: 'allow' })).status).toBe(400)
    expect(await ask(sandbox, device)).toEqual([400, 'access_denied'])
  })
})
