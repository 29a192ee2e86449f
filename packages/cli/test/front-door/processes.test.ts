import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ExitedCli, spawnCli } from '../spawn-cli.ts'
import { TOKEN, type TutorialUpstream, tutorialUpstream, USER_TOKEN } from '../upstream/tutorial-upstream.ts'
import { plainHome } from './programs.ts'

const frontDoor = fileURLToPath(new URL('../../src/front-door/index.ts', import.meta.url))

const home = plainHome()

/** Runs a program in the folder; it begins with the import of the package. */
function run(code: string, env: Readonly<Record<string, string>> = home.upstream.env): Promise<ExitedCli> {
  const entry = join(home.place.cwd, 'program.ts')
  writeFileSync(entry, `import { guestpass } from '${frontDoor}'\n${code}`)
  return spawnCli([], home.place.cwd, env, { entry }).ended
}

const ISSUE = `
  const gp = await guestpass()
  const { guestId, token } = await gp.guests.issue({ scopes: ['webmessaging:guest:send'] })
`

describe('a program with guestpass()', () => {
  it('finds guest and access token after kill -9, and asks upstream for neither', async () => {
    const first = await run(`${ISSUE}
      const access = await gp.accessToken({ for: 'guest-tokens' })
      console.log(JSON.stringify([guestId, token.reveal(), access.token.reveal()]))
      process.kill(process.pid, 'SIGKILL')
      await new Promise(() => setInterval(() => {}, 1000))`)
    expect(first.code).toBeNull()
    const [guestId, token, access] = JSON.parse(first.out) as string[]
    const before = home.upstream.met.length
    const second = await run(`
      const gp = await guestpass()
      const guest = await gp.guests.token('${guestId}')
      const access = await gp.accessToken({ for: 'guest-tokens' })
      console.log(JSON.stringify([guest.guestId, guest.token.reveal(), access.token.reveal()]))
      await gp.close()`)
    expect(second).toEqual({ code: 0, out: `${JSON.stringify([guestId, token, access])}\n`, err: '' })
    expect(home.upstream.met.slice(before).filter((key) => key.startsWith('POST'))).toEqual([])
  })

  it('ends by itself where it does not close, also while deliveries wait', async () => {
    const ended = await run(`
      const gp = await guestpass({
        webhooks: { idm: 'http://127.0.0.1:1/none' },
        audit: () => Promise.reject(new Error('not now')),
        log: () => {},
      })
      await gp.guests.issue({ scopes: ['webmessaging:guest:send'] })
      await new Promise((resolve) => setTimeout(resolve, 300))
      console.log('done')`)
    expect(ended).toEqual({ code: 0, out: 'done\n', err: '' })
  })

  it('closes with its block', async () => {
    const ended = await run(`
      let outside
      {
        await using gp = await guestpass({ store: 'memory' })
        outside = gp
        await gp.accessToken()
      }
      await outside.accessToken().catch(({ code, message }) => console.log(code, message))`)
    expect(ended).toEqual({
      code: 0,
      out: 'store_unavailable Connection default is closed: close() was called. Open another one with guestpass().\n',
      err: '',
    })
  })

  it('says once, on standard error, what should be read', async () => {
    const ended = await run(`
      for (const _ of [1, 2]) await (await guestpass({ insecureHosts: ['gateway.internal'] })).close()
      await (await guestpass()).close()`)
    expect(ended.err.match(/made the encryption key/g)).toHaveLength(1)
    expect(ended.err).toMatch(/^guestpass: warning: insecureHosts names gateway\.internal/m)
    expect(ended.out).toBe('')
  })

  it('shows every mistake of its options where it does not catch them', async () => {
    const ended = await run(`await guestpass({ clientSecret: 5, regoin: 'mypurecloud.ie' })`)
    expect(ended.code).toBe(1)
    expect(ended.err).toContain('clientSecret: is a number, not a text or a Secret.')
    expect(ended.err).toContain('regoin: is not an option. Did you mean region?')
  })

  it('shares guests with another that runs at the same time', async () => {
    const both = await Promise.all(
      [1, 2].map(() =>
        run(`${ISSUE}
      console.log(guestId)
      await gp.close()`),
      ),
    )
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    const { out } = await run(`
      const gp = await guestpass()
      console.log((await gp.guests.list()).guests.length)
      await gp.close()`)
    expect(out).toBe('2\n')
  })
})

describe('a sign-in of a program', () => {
  let genesys: TutorialUpstream
  beforeAll(async () => {
    genesys = await tutorialUpstream()
    genesys.client.scopes = ['guest:read']
  })
  afterAll(() => genesys.close())

  it('is found by the next run, which needs no refresh token', async () => {
    const options = `{ clientId: '${genesys.client.id}', clientSecret: '${genesys.client.secret}', baseUrl: '${genesys.url}', publicKey: ${JSON.stringify(genesys.publicKey)} }`
    const ask = `
      console.log((await gp.accessToken()).token.reveal())
      await gp.close()`
    const first = await run(`const gp = await guestpass({ ...${options}, refreshToken: 'user-refresh-1' })${ask}`, {})
    const second = await run(`const gp = await guestpass(${options})${ask}`, {})
    expect([first.code, second]).toEqual([0, { code: 0, out: first.out, err: '' }])
    expect([genesys.of(USER_TOKEN).length, genesys.of(TOKEN).length]).toEqual([1, 0])
  })
})
