import { expect, it } from 'vitest'
import type { Sandbox } from '../../src/index.ts'
import { accessToken, askToken, basic, control, send, startSandbox } from '../genesys-client.ts'
import { createGuest, get, refusalCode } from '../guest-client.ts'

const CHANNELS = '/api/v2/journey/actions/channels'

const look = async (sandbox: Sandbox, id: string, token?: string) =>
  get(sandbox, `${CHANNELS}/${encodeURIComponent(id)}`, token ?? (await accessToken(sandbox)))

it('has one channel from the start, which is enabled, and has the same id for the same seed', async () => {
  const [one, two, free] = [await startSandbox({ seed: 1 }), await startSandbox({ seed: 1 }), await startSandbox()]
  const { status, json } = await look(one, one.channelId)
  expect([status, json]).toEqual([
    200,
    {
      id: one.channelId,
      name: expect.any(String),
      enabled: true,
      provisioned: true,
      selfUri: `${CHANNELS}/${one.channelId}`,
    },
  ])
  expect(two.channelId).toBe(one.channelId)
  expect(free.channelId).not.toBe(one.channelId)
})

it('refuses an unknown channel, a disabled one and one of another organization by different codes', async () => {
  const sandbox = await startSandbox({
    channels: [{ id: 'web 1' }, { id: 'off', enabled: false }, { id: 'theirs', organization: 'Next door' }],
  })
  expect((await look(sandbox, 'web 1')).status).toBe(200)
  expect((await createGuest(sandbox, { channelId: 'web 1' })).status).toBe(201)
  expect(refusalCode(await look(sandbox, 'nowhere'))).toEqual([404, 'not.found'])
  expect(refusalCode(await look(sandbox, 'off'))).toEqual([403, 'channel.disabled'])
  expect(refusalCode(await look(sandbox, 'theirs'))).toEqual([403, 'not.authorized'])
  const creates = [
    ['nowhere', 'channel.not.provisioned'],
    ['off', 'channel.disabled'],
    ['theirs', 'not.authorized'],
  ] as const
  for (const [channelId, code] of creates) {
    const reply = await createGuest(sandbox, { channelId })
    expect(reply.json).toMatchObject({ status: 403, code, messageParams: { channelId } })
  }
})

it('of any id exists when a request names it, without a list of channels', async () => {
  const sandbox = await startSandbox()
  expect((await look(sandbox, 'web-chat-1')).json).toMatchObject({ id: 'web-chat-1', enabled: true })
  expect((await createGuest(sandbox, { channelId: 'another' })).status).toBe(201)
  await control(sandbox, 'channels', { id: 'another', enabled: false })
  expect((await look(sandbox, 'another')).status).toBe(403)
})

it('belongs to its organization only', async () => {
  const sandbox = await startSandbox({
    clients: [{ id: 'neighbour', secret: 's', organization: 'Next door' }],
    channels: [{ id: 'theirs', organization: 'Next door' }],
  })
  const token = String((await askToken(sandbox, {}, { authorization: basic('neighbour', 's') })).json['access_token'])
  expect((await look(sandbox, 'theirs', token)).status).toBe(200)
  expect((await look(sandbox, sandbox.channelId, token)).status).toBe(403)
})

it('requires the scope guest:read', async () => {
  const sandbox = await startSandbox()
  const token = await accessToken(sandbox, 'guest:write')
  expect(refusalCode(await look(sandbox, sandbox.channelId, token))).toEqual([403, 'app.not.authorized.for.scope'])
})

it('can be added and disabled while the sandbox runs', async () => {
  const sandbox = await startSandbox()
  const { name } = (await look(sandbox, sandbox.channelId)).json
  await control(sandbox, 'channels', { id: sandbox.channelId, enabled: false })
  expect((await look(sandbox, sandbox.channelId)).status).toBe(403)
  const { text } = await control(sandbox, 'channels', { id: 'new', organization: 'Next door' })
  expect(JSON.parse(text)).toEqual([
    { id: sandbox.channelId, name, enabled: false, organization: 'Sandbox' },
    { id: 'new', name: expect.any(String), enabled: true, organization: 'Next door' },
  ])
  expect((await send(sandbox, '/__sandbox/channels')).text).toBe(text)
  sandbox.channel({ id: sandbox.channelId })
  expect((await look(sandbox, sandbox.channelId)).json).toMatchObject({ name, enabled: true })
})

it.each([{}, { id: '' }, { id: 'a', enabled: 'no' }, { id: 'a', colour: 'red' }])(
  'is not added from %j',
  async (body) => {
    const sandbox = await startSandbox()
    expect((await control(sandbox, 'channels', body)).status).toBe(400)
    expect(() => sandbox.channel(body as { id: string })).toThrow(/^The channel is not valid: /)
  },
)

it('takes the faults of its own operation', async () => {
  const sandbox = await startSandbox({ faults: [{ on: 'channel', do: { status: 503 } }] })
  expect((await look(sandbox, sandbox.channelId)).status).toBe(503)
  expect((await look(sandbox, sandbox.channelId)).status).toBe(200)
})
