import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../free-port.ts'
import { spawnCli } from '../../packages/cli/test/spawn-cli.ts'
import { pageOf, piecesOf, printed, programPath } from './page.ts'

const root = join(import.meta.dirname, '../..')
const readme = pageOf('README.md')
const blocks = (language: string): readonly string[] => piecesOf(readme, language).map(({ code }) => code)
const [backend = '', ...jobs] = blocks('ts')
const [page] = piecesOf(pageOf('docs/front-door.md'), 'js')

/**
 * The code of the page as a program: it prints its first two tokens. It asks for the second one only after an event:
 * without the signal, nothing else ends the wait for one.
 */
const pageProgram = (url: string, cookie: string): string => `${page?.code}
const send = fetch
globalThis.fetch = (path, { signal: _untilItsEnd, ...init }) =>
  send('${url}' + path, { ...init, headers: { ...init.headers, cookie: '${cookie}' } })
const tokens = []
followToken((token) => {
  tokens.push(token)
  if (tokens.length < 2) return
  console.log(JSON.stringify(tokens))
  process.exit()
})
`

/** A job as a program. Around its lines there is the front door, and for routes a server with a browser that visits them. */
const whole = (job: string): string =>
  job.includes('app.')
    ? `import { guestpass } from 'guestpass'
import express from 'express'
const gp = await guestpass()
const app = express()
const server = app.listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const redirectUri = \`http://127.0.0.1:\${server.address().port}/callback\`
${job.includes("'/login'") ? '' : `app.get('/login', async (_request, response) => response.redirect((await gp.signIn.begin({ redirectUri })).url))`}
${job}
console.log(await (await fetch(new URL('/login', redirectUri))).text())
server.close()
server.closeAllConnections()
await gp.close()`
    : `import { guestpass } from 'guestpass'\nconst gp = await guestpass()\n${job}\nawait gp.close()`

describe('the README', () => {
  let upstream: Sandbox
  const folders: string[] = []
  const path = [join(process.execPath, '..'), join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  /** A folder with the `.env` of the sandbox. */
  function folder(): string {
    const made = mkdtempSync(join(tmpdir(), 'guestpass-readme-'))
    folders.push(made)
    const lines = Object.entries(upstream.env).map(([name, value]) => `${name}='${value}'\n`)
    writeFileSync(join(made, '.env'), lines.join(''))
    return made
  }
  beforeAll(async () => {
    upstream = await sandbox({ autoConsent: true })
  })
  afterAll(async () => {
    await upstream.close()
    for (const one of folders) rmSync(one, { recursive: true, force: true })
  })

  it('begins with the two commands', () => {
    expect(readme.split('\n').slice(0, 12).join('\n')).toMatch(/npm ci && npm start[\s\S]*npm ci && npm test/)
  })

  it('shows the five jobs in at most six lines each', () => {
    expect(jobs).toHaveLength(5)
    for (const job of jobs) expect(job.trimEnd().split('\n').length).toBeLessThanOrEqual(6)
  })

  it.each(jobs.map((job, at) => [at + 1, job] as const))('does job %i with the lines it shows', async (at, job) => {
    const { stdout, stderr } = await printed(`job-${at}`, whole(job), { cwd: folder(), env: { PATH: path } })
    expect(stderr.replace(/^guestpass: made the encryption key .*\n/, '')).toBe('')
    const outcomes = [
      /^generation 2 is valid\n$/,
      /: gp_…\S{4} valid until \d{10}, after \d+(\.\d)? ms\n$/,
      /^valid \[/,
      /"id":"/,
      /"verified":true/,
    ]
    expect(stdout).toMatch(outcomes[at - 1] ?? /$^/)
  })

  it('has a backend that renews guests, sends the tokens to their pages, and goes on after kill -9', async () => {
    // Tokens of a few seconds, so that one is renewed while the page listens.
    const file = programPath('backend.ts')
    writeFileSync(file, backend.replace('issue({', 'issue({ duration: 6,'))
    folders.push(file)
    expect(backend.trimEnd().split('\n').length).toBeLessThanOrEqual(30)
    const cwd = folder()
    const PORT = String(await freePort())
    const url = `http://127.0.0.1:${PORT}`
    const starts = async () => {
      const server = spawnCli([], cwd, { PATH: path, PORT }, { entry: file })
      await server.matchOnStandardOutput(/listening on/)
      return server
    }
    const killed = async ({ child, ended }: Awaited<ReturnType<typeof starts>>) => {
      child.kill('SIGKILL')
      await ended
    }
    let server = await starts()
    const ask = async (cookie = '') => {
      const answer = await fetch(`${url}/guest-token`, { method: 'POST', headers: { cookie } })
      return {
        cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '',
        cacheControl: answer.headers.get('cache-control'),
        said: (await answer.json()) as Readonly<Record<'guestId' | 'token', string>>,
      }
    }
    try {
      const first = await ask()
      const headers = { authorization: `Bearer ${first.said.token}` }
      expect(first.cacheControl).toBe('no-store')
      expect((await fetch(`${url}/me`)).status).toBe(401)
      const { access_token: access } = (await (
        await fetch(`${upstream.url}/oauth/token`, {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'client_credentials',
            client_id: upstream.env['GENESYS_CLIENT_ID'] ?? '',
            client_secret: upstream.env['GENESYS_CLIENT_SECRET'] ?? '',
          }),
        })
      ).json()) as { readonly access_token: string }
      for (const route of ['/me', '/guest-events'])
        expect((await fetch(url + route, { headers: { authorization: `Bearer ${access}` } })).status).toBe(403)
      const second = await spawnCli([], cwd, { PATH: path, PORT }, { entry: file }).ended
      expect([second.code, second.err]).toEqual([1, expect.stringContaining('EADDRINUSE')])
      expect(await (await fetch(`${url}/me`, { headers })).json()).toMatchObject({ guestId: first.said.guestId })
      const events = await fetch(`${url}/guest-events`, { headers })
      const onPage = printed('page', pageProgram(url, first.cookie), { env: { PATH: path } })
      const { value } = (await events.body?.getReader().read()) ?? {}
      const renewed = new TextDecoder().decode(value)
      expect(renewed).toMatch(/^data: eyJ\S+\n\n$/)
      expect(renewed).not.toContain(first.said.token)
      const followed = JSON.parse((await onPage).stdout) as readonly string[]
      expect(followed).toEqual([first.said.token, renewed.slice('data: '.length).trim()])
      await killed(server)
      server = await starts()
      const again = await ask(first.cookie)
      expect(again.said.guestId).toBe(first.said.guestId)
      expect((await fetch(`${url}/me`, { headers: { authorization: `Bearer ${again.said.token}` } })).status).toBe(200)
      const unknown = 'guest=00000000-0000-4000-8000-000000000000'
      expect(await ask(unknown)).toMatchObject({ cookie: expect.stringMatching(/^guest=(?!0000)[\da-f-]{36}$/) })
      await promisify(execFile)('guestpass', ['guest', 'revoke', first.said.guestId], { cwd, env: { PATH: path } })
      expect((await ask(first.cookie)).said).toMatchObject({ guestId: expect.not.stringMatching(first.said.guestId) })
    } finally {
      await killed(server)
    }
  })

  it('has commands that work in the order given, beside a running sandbox', async () => {
    const [start, session] = blocks('sh').filter((code) => code.includes('npx guestpass'))
    expect(start).toBe('npx guestpass sandbox --env .env\n')
    const script = `set -e\n${session?.replaceAll('npx guestpass', 'guestpass')}`
    const { stdout } = await promisify(execFile)('bash', ['-c', script], { cwd: folder(), env: { PATH: path } })
    expect(stdout).toContain('No problems found.')
    expect(stdout).toMatch(/^[\da-f-]{36} +guest-tokens +active +1 /m)
    expect(stdout).toContain('TOKEN_GENERATED_SUCCESS')
  })

  it('links to files that are there', () => {
    const targets = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target]) => target ?? '')
    for (const target of targets) expect(() => statSync(join(root, target))).not.toThrow()
  })
})
