import { connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { signInUser } from '../../src/demo/sign-in.ts'
import { type User, user } from './user.ts'

let upstream: Sandbox

beforeAll(async () => {
  upstream = await sandbox({ autoConsent: true })
})
beforeEach(() => upstream.script([]))
afterAll(() => upstream.close())

type Variables = Readonly<Record<string, string>>

interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly code?: string
  readonly remedy?: string
}

function newUser(env: Variables = upstream.env): User {
  const ann = user(env)
  onTestFinished(ann.removeFolder)
  return ann
}

/** The exit code, and the findings by their check. */
async function examined(ann: User, env: Variables = {}) {
  const { code, said } = await ann.runJson<{ healthy: boolean; findings: readonly Finding[] }>('doctor', { env })
  expect(said.healthy).toBe(code === 0)
  const found = Object.fromEntries(said.findings.map((one) => [one.check, one]))
  return { code, found, failed: said.findings.filter(({ state }) => state === 'failed').map(({ check }) => check) }
}

/** What the upstream was asked since then. */
const requestsSince = (from: number): string[] =>
  upstream
    .journal()
    .slice(from)
    .map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`)

const WRONG = { GENESYS_CLIENT_SECRET: 'test-secret-not-right-9b2e' }

describe('doctor, of a client with a token in the store', () => {
  it('finds nothing to repair while all is well, and leaves the stored token as it is', async () => {
    const ann = newUser()
    const before = (await ann.runJson('token')).said
    const { code, failed, found } = await examined(ann)
    expect([code, failed]).toEqual([0, []])
    expect(found['API request']).toMatchObject({ state: 'ok', message: expect.stringContaining('answered 400') })
    expect((await ann.runJson('token')).said).toEqual(before)
  })

  it('finds a wrong secret', async () => {
    const ann = newUser()
    await ann.run('token')
    const { code, failed, found } = await examined(ann, WRONG)
    expect([code, failed]).toEqual([1, ['OAuth client']])
    expect(found['OAuth client']).toMatchObject({ code: 'client_rejected' })
    expect(found['OAuth client']?.remedy).toContain('GENESYS_CLIENT_SECRET')
    // The service with the right secret goes on.
    expect((await ann.runJson('token')).code).toBe(0)
    expect((await examined(ann)).code).toBe(0)
  })

  it('names the sign-in that a client without a secret lacks', async () => {
    const ann = newUser({ ...upstream.env, GENESYS_CLIENT_ID: upstream.publicClientId, GENESYS_CLIENT_SECRET: '' })
    // RFC 6749, 4.4: the grant is for confidential clients alone.
    upstream.script([{ on: 'token', do: { status: 400, body: { error: 'unauthorized_client' } }, times: 9 }])
    const { code, failed, found } = await examined(ann)
    expect([code, failed]).toEqual([1, ['OAuth client']])
    expect(found['OAuth client']?.remedy).toContain('`guestpass login`')
  })

  it('finds an upstream that is gone', async () => {
    const local = await sandbox()
    const ann = newUser(local.env)
    await ann.run('token')
    await local.close()
    const { code, failed, found } = await examined(ann)
    expect([code, failed]).toEqual([1, ['OAuth client', 'API request', 'keys']])
    expect(found['OAuth client']).toMatchObject({ code: 'upstream_unavailable', remedy: expect.any(String) })
    const { out } = await ann.run('doctor')
    expect(out).toMatch(/^failed +OAuth client: .*\n +Nothing listens there.*`guestpass sandbox --env \.env`/m)
    expect(out).toMatch(/\n3 failures\.\n$/)
  })

  it('finds an API host that refuses connections, or fails', async () => {
    const ann = newUser()
    await ann.run('token')
    const refused = await examined(ann, { GENESYS_API_BASE_URL: 'http://127.0.0.1:1' })
    expect([refused.code, refused.failed]).toEqual([1, ['API request']])
    expect(refused.found['API request']).toMatchObject({ code: 'upstream_unavailable' })
    upstream.script([{ on: 'users', do: { status: 500 }, times: 9 }])
    expect((await examined(ann)).failed).toEqual(['API request'])
  })

  it('finds an API that refuses the new token', async () => {
    const ann = newUser()
    upstream.script([{ on: 'users', do: { status: 401 }, times: 9 }])
    const { code, found } = await examined(ann)
    expect([code, found['API request']]).toMatchObject([1, { state: 'failed', code: 'access_rejected' }])
  })

  it('finds a key-set that is gone', async () => {
    const ann = newUser()
    expect((await examined(ann)).code).toBe(0)
    upstream.script([{ on: 'jwks', do: { status: 404 }, times: 9 }])
    const { code, failed, found } = await examined(ann)
    // An access token that is a JWT cannot be verified without keys.
    expect([code, failed]).toEqual([1, ['OAuth client', 'keys']])
    expect(found['OAuth client']).toMatchObject({ code: 'keys_unavailable' })
    expect(found['API request']).toMatchObject({ state: 'ok', message: expect.stringContaining('answered 401') })
  })
})

describe('doctor, of a sign-in whose refresh tokens are used up', () => {
  /** A folder whose store has a sign-in that is not due. */
  async function signedIn(): Promise<User> {
    const { close, ...ports } = nodePorts()
    const { GENESYS_CLIENT_ID: id = '', GENESYS_CLIENT_SECRET: secret = '' } = upstream.env
    const store = memoryStore()
    const options = { hosts: resolveHosts({ baseUrl: upstream.url }), client: { id, secret: new Secret(secret) } }
    const { signIn } = await connection(options, { ...ports, store })
    await signInUser(signIn, upstream.env['GENESYS_SCOPES']?.split(' ') ?? [])
    const { credentials } = await store.list('default', { kind: 'grant', limit: 1 })
    await close()
    const ann = newUser()
    const seed = { env: { GENESYS_REFRESH_TOKEN: credentials[0]?.tokens?.refresh?.reveal() ?? '' } }
    expect((await ann.runJson('token', seed)).code).toBe(0)
    return ann
  }

  it('asks the API with its token, and spends no refresh token that is not due', async () => {
    const ann = await signedIn()
    const before = (await ann.runJson('token')).said
    const from = upstream.journal().length
    const { code, found } = await examined(ann)
    expect(code).toBe(0)
    expect(found['API request']).toMatchObject({ state: 'ok', message: expect.stringContaining('answered 200') })
    expect(requestsSince(from).sort()).toEqual(['GET /.well-known/jwks.json', 'GET /api/v2/users/me'])
    expect((await ann.runJson('token')).said).toEqual(before)
  })

  it('finds that the API refuses its token', async () => {
    const ann = await signedIn()
    upstream.script([{ on: 'users', do: { status: 401 }, times: 9 }])
    const { code, found } = await examined(ann)
    expect([code, found['API request']]).toMatchObject([1, { state: 'failed', code: 'access_rejected' }])
    expect(found['API request']?.remedy).toContain('guestpass login')
  })
})
