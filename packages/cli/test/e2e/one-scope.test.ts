import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type User, user } from './user.ts'

const SECRET = 'one-scope-secret-5c1e'
const clients = {
  minting: ['webmessaging:guest:create'],
  refreshing: ['webmessaging:guesttoken:write'],
  authenticating: ['guest:write', 'guest:read'],
}

let upstream: Sandbox
const users: User[] = []

beforeAll(async () => {
  upstream = await sandbox({
    clients: Object.entries(clients).map(([id, scopes]) => ({ id, secret: SECRET, scopes })),
    rateLimit: { perMinute: 60_000 },
  })
})
afterAll(async () => {
  for (const one of users) one.removeFolder()
  await upstream.close()
})

/** A user whose client has the scopes of one job, and whose configuration names none. */
function holding(client: keyof typeof clients): User {
  const { url } = upstream
  const at = {
    GENESYS_OAUTH_BASE_URL: url,
    GENESYS_API_BASE_URL: url,
    GENESYS_JWKS_URL: `${url}/.well-known/jwks.json`,
  }
  const one = user({ ...at, GENESYS_CLIENT_ID: client, GENESYS_CLIENT_SECRET: SECRET })
  users.push(one)
  return one
}

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send'

describe('an OAuth client that holds the scopes of one job alone', () => {
  it.each(Object.entries(clients))('%s gets its own token, and is found well', async (client, scopes) => {
    const ann = holding(client as keyof typeof clients)
    expect(await ann.runJson('token')).toMatchObject({ code: 0, said: { scope: scopes.join(' ') } })
    expect(await ann.runJson('doctor')).toMatchObject({ code: 0, said: { healthy: true } })
  })

  it('mints, and cannot refresh: the scope is named', async () => {
    const ann = holding('minting')
    const { code, said } = await ann.runJson<{ guestId: string }>(ISSUE)
    expect(code).toBe(0)
    const { problem } = await ann.expectFailure(`guest refresh ${said.guestId}`, 3, 'scope_missing')
    expect(problem.detail).toContain('It asked for webmessaging:guesttoken:write, and nothing was granted')
  })

  it('refreshes a token that another one minted, and cannot mint', async () => {
    const { said } = await holding('minting').runJson<{ guestId: string; token: string }>(`${ISSUE} --reveal`)
    const ann = holding('refreshing')
    const refreshed = await ann.runJson(`guest refresh ${said.guestId} --token -`, { input: said.token })
    expect(refreshed).toMatchObject({ code: 0, said: { generation: 2 } })
    await ann.expectFailure(ISSUE, 3, 'scope_missing')
  })

  it('authenticates guests', async () => {
    const ann = holding('authenticating')
    const issue = `guest issue --api engagements --email ann@example.com --consent --channel ${upstream.channelId}`
    expect(await ann.runJson(issue)).toMatchObject({ code: 0, said: { generation: 1, verified: true } })
  })
})

it('scopes of the configuration that upstream does not grant are named, and the token is served', async () => {
  const ann = holding('minting')
  const env = { GENESYS_SCOPES: 'webmessaging:guest:create guest:write' }
  const granted = { access_token: 'opaque', expires_in: 3_600, scope: 'webmessaging:guest:create' }
  upstream.script([{ on: 'token', do: { status: 200, body: granted }, times: 2 }])
  const { code, said } = await ann.runJson('token', { env })
  expect([code, said['scope'], said['missing']]).toEqual([0, 'webmessaging:guest:create', ['guest:write']])
  expect((await ann.run('token', { env })).err).toContain('of GENESYS_SCOPES, guest:write was not granted')
  const { said: findings } = await ann.runJson('doctor', { env })
  expect(JSON.stringify(findings)).toContain('of GENESYS_SCOPES, guest:write was not granted')
})
