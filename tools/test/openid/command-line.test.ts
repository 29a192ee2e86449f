import { sandbox } from '@guestpass/sandbox'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type User, user } from '../../../packages/cli/test/e2e/user.ts'
import { freePort } from '../../free-port.ts'
import { browser } from '../../openid/browser.ts'
import { type Openid, openid, SECRET } from '../../openid/provider.ts'

let provider: Openid
let ann: User
let redirect: string

beforeEach(async () => {
  provider = await openid()
  redirect = `http://127.0.0.1:${await freePort()}/callback`
  ann = user({
    GENESYS_ISSUER: provider.issuer,
    GENESYS_CLIENT_ID: 'public',
    GENESYS_SCOPES: 'openid offline_access api:read',
    GENESYS_AUTHORIZE_PARAMS: 'resource=urn:api&prompt=consent',
    GENESYS_REDIRECT_URI: redirect,
  })
})
afterEach(async () => {
  expect(ann.leaks([SECRET, 'eyJhbGciOi'])).toEqual([])
  ann.removeFolder()
  await provider.stop()
})

const service = { GENESYS_CLIENT_ID: 'basic', GENESYS_CLIENT_SECRET: SECRET, GENESYS_SCOPES: 'api:read' }

describe('the command line at an OpenID provider, by its issuer', () => {
  it('signs in through the browser, renews, and signs out there', async () => {
    const run = ann.start('login --no-browser --json')
    const back = await browser().signIn(await run.matchOnStandardError(/\n {2}(http\S+)\n/))
    expect([back.origin, (await fetch(back)).status]).toEqual([new URL(redirect).origin, 200])
    const { code, out } = await run.ended
    expect([code, JSON.parse(out)]).toMatchObject([0, { user: 'ada', generation: 1, renewable: true, missing: [] }])
    expect((await ann.runJson('token')).said).toMatchObject({ generation: 1, scope: 'api:read' })
    expect((await ann.runJson('logout')).said).toMatchObject({ upstream: 'done' })
    expect(provider.ended).toHaveLength(1)
  })

  it('signs in on another device', async () => {
    const run = ann.start('login --device --json')
    await browser().decideDevice(await run.matchOnStandardError(/Or open (\S+)/))
    const { code, out } = await run.ended
    expect([code, JSON.parse(out)]).toMatchObject([0, { user: 'ada', renewable: true }])
  })

  it('gets tokens for itself, and finds nothing to repair', async () => {
    const env = { ...service, GENESYS_TOKEN_PARAMS: 'resource=urn:api' }
    expect((await ann.runJson('token', { env })).said).toMatchObject({ scope: 'api:read' })
    const { code, out } = await ann.run('doctor', { env })
    expect([code, out]).toEqual([0, expect.stringContaining('OAuth client: accepted')])
  })
})

it('signs in at the sandbox by its issuer too, whose access tokens say what they are for', async () => {
  const local = await sandbox({ algorithm: 'EdDSA', accessTokenFormat: 'at+jwt', autoConsent: true })
  onTestFinished(() => local.close())
  const env = {
    GENESYS_ISSUER: local.url,
    GENESYS_CLIENT_ID: local.publicClientId,
    GENESYS_SCOPES: 'openid offline_access guest:read',
    GENESYS_AUTHORIZE_PARAMS: 'resource=urn:api',
  }
  const run = ann.start('login --no-browser --json', { env })
  expect((await fetch(await run.matchOnStandardError(/\n {2}(http\S+)\n/))).status).toBe(200)
  const { code, out } = await run.ended
  expect([code, JSON.parse(out)]).toMatchObject([0, { user: local.users[0]?.id, renewable: true, missing: [] }])
  expect((await ann.runJson('logout', { env })).said).toMatchObject({ upstream: 'done' })
})

describe('the usual mistakes', () => {
  const elsewhere = () => provider.issuer.replace('127.0.0.1', 'localhost')

  it.each<[string, string, () => Record<string, string>, number, string, readonly string[]]>([
    [
      'an issuer that calls itself otherwise',
      'token',
      () => ({ ...service, GENESYS_ISSUER: elsewhere() }),
      2,
      'config_invalid',
      ['GENESYS_ISSUER', 'http://localhost:', 'http://127.0.0.1:'],
    ],
    [
      'an issuer without a discovery document',
      'token',
      () => ({ ...service, GENESYS_ISSUER: `${provider.issuer}/realms/none` }),
      1,
      'upstream_unavailable',
      ['Check that GENESYS_ISSUER is the issuer', '404'],
    ],
    [
      'an issuer that is down',
      'token',
      () => ({ ...service, GENESYS_ISSUER: 'http://127.0.0.1:9' }),
      1,
      'upstream_unavailable',
      ['127.0.0.1:9', 'ECONNREFUSED', 'GENESYS_ISSUER'],
    ],
    [
      'a wrong client id',
      'login --device',
      () => ({ GENESYS_CLIENT_ID: 'unknown' }),
      3,
      'client_rejected',
      ['GENESYS_CLIENT_ID', 'If the client has a secret', '401'],
    ],
    [
      'a wrong secret',
      'token',
      () => ({ ...service, GENESYS_CLIENT_SECRET: 'a-wrong-one' }),
      3,
      'client_rejected',
      ['GENESYS_CLIENT_SECRET, and that they are of 127.0.0.1:', '401'],
    ],
    [
      'a resource that it does not know',
      'token',
      () => ({ ...service, GENESYS_TOKEN_PARAMS: 'resource=urn:other' }),
      3,
      'upstream_rejected',
      ['invalid_target'],
    ],
  ])('%s', async (_, line, env, exit, code, texts) => {
    const { text } = await ann.expectFailure(line, exit, code, { env: env() })
    for (const one of texts) expect(text).toContain(one)
  })

  it('a redirect address that the client does not allow: the terminal says which one it must', async () => {
    const env = { GENESYS_REDIRECT_URI: redirect.replace('callback', 'other') }
    const run = ann.start('login --no-browser', { env })
    const url = await run.matchOnStandardError(/\n {2}(http\S+)\n/)
    await expect(browser().signIn(url)).rejects.toThrow('invalid_redirect_uri')
    expect(await run.matchOnStandardError(/must allow the redirect address (\S+)\./)).toBe(env.GENESYS_REDIRECT_URI)
    run.child.kill('SIGINT')
    expect((await run.ended).code).toBe(130)
  })
})
