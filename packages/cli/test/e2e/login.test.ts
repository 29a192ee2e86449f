import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../../../tools/free-port.ts'
import { JWS, type User, user } from './user.ts'

let upstream: Sandbox
let ann: User
let redirect: string

beforeAll(async () => {
  upstream = await sandbox({ autoConsent: true })
})
afterAll(() => upstream.close())
beforeEach(async () => {
  redirect = `http://127.0.0.1:${await freePort()}/callback`
  ann = user({ ...upstream.env, GENESYS_REDIRECT_URI: redirect })
  upstream.consent({ auto: true })
})
afterEach(() => {
  expect(ann.leaks([upstream.env['GENESYS_CLIENT_SECRET'] ?? '', JWS])).toEqual([])
  ann.removeFolder()
})

/** The address that a sign-in at the terminal prints. */
const ADDRESS = /\n {2}(http\S+)\n/

/** A sign-in at the terminal; `visit` does what the browser does with the address that it prints. */
async function login<T>(line: string, visit: (url: string) => Promise<T>) {
  const run = ann.start(`login --no-browser ${line}`)
  const seen = await visit(await run.matchOnStandardError(ADDRESS))
  return { ...(await run.ended), seen }
}

const browse = async (url: string): Promise<{ status: number; text: string }> => {
  const answer = await fetch(url)
  return { status: answer.status, text: await answer.text() }
}

describe('login', () => {
  it('signs in through the browser, and token is the user’s from then on', async () => {
    const { code, out, seen } = await login('--json', browse)
    expect([code, JSON.parse(out)]).toMatchObject([0, { connection: 'default', generation: 1, missing: [] }])
    expect(seen).toMatchObject({ status: 200, text: expect.stringContaining('You may close this window') })
    const { said } = await ann.runJson('token')
    expect(said).toMatchObject({ accessToken: expect.stringMatching(/^gp_….{4}$/), generation: 1, status: 'active' })
  })

  it('reports that the user denied the sign-in, here and in the browser', async () => {
    upstream.consent({ auto: true, deny: true })
    const { code, err, seen } = await login('', browse)
    expect([code, err]).toEqual([3, expect.stringContaining('[sign_in_denied]')])
    expect(seen).toMatchObject({ status: 400, text: expect.stringContaining('denied') })
  })

  it('goes on waiting after a callback of an unknown sign-in, and after a request for another host name', async () => {
    const { code, seen } = await login('', async (url) => {
      const stray = await browse(`${redirect}?code=a&state=b`)
      const elsewhere = await browse(redirect.replace('callback', 'other'))
      return { stray: stray.status, elsewhere: elsewhere.status, own: (await browse(url)).status }
    })
    expect([code, seen]).toEqual([0, { stray: 400, elsewhere: 404, own: 200 }])
  })

  it('answers a browser that comes twice with the same page, and exchanges the code once', async () => {
    upstream.script([{ on: 'token', do: { delayMs: 300 } }])
    const before = upstream.journal().length
    const { code, seen } = await login('', async (url) => {
      const back = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
      const icon = await browse(new URL('/favicon.ico', back).href)
      const pages = await Promise.all([browse(back), browse(back)])
      return { icon: icon.status, pages: new Set(pages.map(({ status, text }) => `${status} ${text}`)) }
    })
    expect([code, seen.icon, seen.pages.size]).toEqual([0, 404, 1])
    expect([...seen.pages][0]).toMatch(/^200 [^]*You may close this window/)
    expect(
      upstream
        .journal()
        .slice(before)
        .filter(({ operation }) => operation === 'token'),
    ).toHaveLength(1)
  })

  it('waits on past the tab of a sign-in that was given up', async () => {
    const first = ann.start('login --no-browser')
    const url = await first.matchOnStandardError(ADDRESS)
    first.child.kill('SIGINT')
    await first.ended
    const stale = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
    const { code, seen } = await login('', async (own) => [(await browse(stale)).status, (await browse(own)).status])
    expect([code, seen]).toEqual([0, [400, 200]])
  })

  it('says what to do when the port of the redirect is taken', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(Number(new URL(redirect).port), '127.0.0.1', resolve))
    const { text } = await ann.expectFailure('login --no-browser', 1, 'port_unavailable')
    expect(text).toContain('GENESYS_REDIRECT_URI')
    await new Promise((resolve) => taken.close(resolve))
  })

  it('refuses a redirect that does not lead back here', async () => {
    const env = { GENESYS_REDIRECT_URI: 'https://shop.example.com/callback' }
    const { text } = await ann.expectFailure('login --no-browser', 2, 'config_invalid', { env })
    expect(text).toContain('not an http:// address of this machine')
  })

  it('ends at once and cleanly when it is interrupted', async () => {
    const run = ann.start('login --no-browser')
    await new Promise((resolve) => run.child.stderr?.once('data', resolve))
    run.child.kill('SIGINT')
    const { code, err } = await run.ended
    expect([code, err]).toEqual([130, expect.stringContaining('Interrupted')])
  })
})

describe('login --device', () => {
  it('waits until a user approves elsewhere', async () => {
    const run = ann.start('login --device --json')
    upstream.device({ userCode: await run.matchOnStandardError(/enter (\S+), before/), approve: true })
    const { code, out } = await run.ended
    expect([code, JSON.parse(out)]).toMatchObject([0, { generation: 1, renewable: true }])
  })
})

describe('logout', () => {
  it('ends the sign-in upstream and here; then the client’s own tokens are used again', async () => {
    await login('', browse)
    const { said: before } = await ann.runJson('connections show')
    expect((await ann.runJson('connections show default')).said).toEqual(before)
    expect(before).toMatchObject({ grant: 'refresh_token', status: 'active', renewable: true })
    expect(await ann.runJson('logout')).toEqual({
      code: 0,
      said: { connection: 'default', upstream: 'done', local: 'done' },
    })
    const { said: after } = await ann.runJson('connections list')
    expect(after).toMatchObject({ data: [{ grant: 'refresh_token', status: 'revoked' }] })
    await ann.run('token')
    expect(await ann.runJson('connections show')).toMatchObject({
      said: { grant: 'client_credentials', status: 'active' },
    })
  })

  it('says that upstream could not be reached, and until when its token lives', async () => {
    await login('', browse)
    upstream.script([{ on: 'revoke', do: { status: 500 }, times: 9 }])
    const { said } = await ann.runJson('logout')
    upstream.script([])
    expect(await ann.runJson('logout')).toMatchObject({ code: 0, said: { upstream: 'done' } })
    expect(
      upstream.journal().filter(({ operation, status }) => operation === 'revoke' && status === 200).length,
    ).toBeGreaterThan(0)
    expect(said).toMatchObject({ upstream: 'failed', local: 'done', upstreamValidUntil: expect.stringMatching(/Z$/) })
  })

  it('says that no user is signed in', async () => {
    await ann.expectFailure('logout', 3, 'needs_reauth')
  })
})

describe('connections show', () => {
  it('names a connection that the store does not know', async () => {
    await ann.expectFailure('connections show', 2, 'connection_unknown')
    await ann.expectFailure('connections show emea', 2, 'connection_unknown')
  })

  it('is refused where it is given two names', async () => {
    const config = { connections: { emea: { region: 'mypurecloud.ie', clientId: 'a' } } }
    writeFileSync(join(ann.cwd, 'guestpass.config.json'), JSON.stringify(config))
    await ann.expectFailure('connections show emea --connection emea', 2, 'connection_unknown')
    const { problem } = await ann.expectFailure('connections show apac --connection emea', 2, 'invalid_input')
    expect(problem.fields).toMatchObject([{ message: 'is not the connection that --connection names' }])
  })
})
