import { once } from 'node:events'
import { createServer } from 'node:net'
import { parseEnv } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { createCommandRunner } from '../../src/commands/runner/runner.ts'
import { commandGroups, commands } from '../../src/commands/index.ts'
import { runInFolder } from '../run-in-process.ts'
import { type CliProcess, temporaryFolder, spawnCli } from '../spawn-cli.ts'

interface FirstLine {
  readonly url: string
  readonly pid: number
  readonly env: Readonly<Record<string, string>>
  readonly controlToken?: string
}

const { cwd } = temporaryFolder()
const running: CliProcess[] = []

const sandboxed = (...argv: string[]): CliProcess => {
  const one = spawnCli(['sandbox', ...argv], cwd)
  running.push(one)
  return one
}

const firstLine = async (one: CliProcess): Promise<FirstLine> =>
  JSON.parse(await one.matchOnStandardOutput(/\n/)) as FirstLine

afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
})

const askToken = (env: FirstLine['env']): Promise<Response> => {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: env.GENESYS_CLIENT_ID ?? '',
    client_secret: env.GENESYS_CLIENT_SECRET ?? '',
  })
  return fetch(`${env.GENESYS_OAUTH_BASE_URL}/oauth/token`, { method: 'POST', body })
}

const tokenStatus = async (env: FirstLine['env']): Promise<number> => (await askToken(env)).status

describe('guestpass sandbox', () => {
  it('says with --json where it is, and what to set, and stays up', async () => {
    const one = sandboxed('--json')
    const { url, pid, env, controlToken } = await firstLine(one)
    expect(pid).toBe(one.child.pid)
    expect(env).toMatchObject({ GENESYS_API_BASE_URL: url, GENESYS_OAUTH_BASE_URL: url })
    expect(controlToken).toBeUndefined()
    expect(await tokenStatus(env)).toBe(200)
    expect(await tokenStatus(env)).toBe(200)
  })

  it('prints a .env that needs no change, and says why it ended', async () => {
    const one = sandboxed()
    const out = await one.matchOnStandardOutput(/GENESYS_SCOPES.*\n/)
    expect(await tokenStatus(parseEnv(out) as FirstLine['env'])).toBe(200)
    const { code, out: shown, err } = await runInFolder(['config', '--json'], { files: { '.env': out } })
    expect(err).toBe('')
    expect([code, (JSON.parse(shown) as { hosts: { from: { api: string } } }).hosts.from.api]).toEqual([
      0,
      'apiBaseUrl',
    ])
    one.child.kill('SIGINT')
    expect((await one.ended).err).toContain('The sandbox ended (SIGINT).\n')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('stops listening and exits 0 on %s', async (signal) => {
    const one = sandboxed('--json')
    const { url } = await firstLine(one)
    one.child.kill(signal)
    expect(await one.ended).toMatchObject({ code: 0, err: '' })
    await expect(fetch(url)).rejects.toThrow()
  })

  it('makes the same client for the same seed', async () => {
    const seen = await Promise.all(
      [sandboxed('--json', '--seed', '7'), sandboxed('--json', '--seed', '7')].map(firstLine),
    )
    expect(seen[0]?.env.GENESYS_CLIENT_SECRET).toBe(seen[1]?.env.GENESYS_CLIENT_SECRET)
  })

  it('begins with the faults of a file', async () => {
    const { cwd: folder, remove } = temporaryFolder({ 'faults.json': '[{"on": "token", "do": {"status": 503}}]' })
    const one = spawnCli(['sandbox', '--json', '--faults', 'faults.json'], folder)
    running.push(one)
    const { env } = await firstLine(one)
    expect([await tokenStatus(env), await tokenStatus(env)]).toEqual([503, 200])
    remove()
  })

  it('limits each access token to the rate that was asked for', async () => {
    const { url, env } = await firstLine(sandboxed('--json', '--rate-limit', '2'))
    const { access_token: token } = (await (await askToken(env)).json()) as { access_token: string }
    const statuses: number[] = []
    for (let asked = 0; asked < 3; asked++) {
      statuses.push((await fetch(`${url}/api/v2/tokens/me`, { headers: { authorization: `Bearer ${token}` } })).status)
    }
    expect(statuses).toEqual([200, 200, 429])
  })

  it('signs users in at once, and repeats a lost answer, if the options say so', async () => {
    const { url, env } = await firstLine(sandboxed('--json', '--auto-consent', '--profile', 'grace'))
    const client = { client_id: env.GENESYS_CLIENT_ID ?? '', client_secret: env.GENESYS_CLIENT_SECRET ?? '' }
    const redirect_uri = 'http://127.0.0.1/callback'
    const query = new URLSearchParams({ response_type: 'code', client_id: client.client_id, redirect_uri })
    const { headers } = await fetch(`${url}/oauth/authorize?${query}`, { redirect: 'manual' })
    const code = new URL(headers.get('location') ?? '').searchParams.get('code') ?? ''
    const ask = async (form: Readonly<Record<string, string>>): Promise<{ refresh_token: string }> => {
      const body = new URLSearchParams({ ...client, ...form })
      return (await fetch(`${url}/oauth/token`, { method: 'POST', body })).json() as Promise<{ refresh_token: string }>
    }
    const { refresh_token } = await ask({ grant_type: 'authorization_code', code, redirect_uri })
    const refresh = () => ask({ grant_type: 'refresh_token', refresh_token })
    expect((await refresh()).refresh_token).toBe((await refresh()).refresh_token)
  })

  it('gives access tokens in the form that was asked for', async () => {
    const { env } = await firstLine(sandboxed('--json', '--access-tokens', 'at+jwt'))
    const { access_token: token } = (await (await askToken(env)).json()) as { access_token: string }
    const [header = ''] = token.split('.')
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ typ: 'at+jwt' })
  })

  it('ends quietly when its reader goes away before it has printed', async () => {
    const one = sandboxed()
    one.child.stdout?.destroy()
    expect(await one.ended).toMatchObject({ code: 0, err: expect.not.stringContaining('EPIPE') as string })
  })

  it('has closed the sandbox when it returns', async () => {
    const ending = new AbortController()
    let out = ''
    const code = createCommandRunner(commands, commandGroups, {
      argv: ['sandbox', '--json'],
      env: {},
      cwd,
      pid: 1,
      program: '',
      stdout: {
        write: (text) => {
          out += text
          ending.abort()
        },
      },
      stderr: { write: () => undefined },
      input: async () => new Uint8Array(),
      signal: ending.signal,
      version: '0',
    }).run()
    expect(await code).toBe(0)
    await expect(fetch((JSON.parse(out) as FirstLine).url)).rejects.toThrow()
  })

  it('prints the control token when it listens beyond loopback', async () => {
    const { controlToken } = await firstLine(sandboxed('--json', '--host', '0.0.0.0'))
    expect(controlToken?.length).toBeGreaterThan(20)
    expect(await sandboxed('--host', '0.0.0.0').matchOnStandardOutput(/GENESYS_SCOPES/)).toMatch(
      /x-sandbox-token: \S{20,}/,
    )
  })

  it('says that a port is taken and exits 1', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const { code, out, err } = await runInFolder(['sandbox', '--port', String(port)])
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(`127.0.0.1:${port}: it is taken`)
    const { out: problem } = await runInFolder(['sandbox', '--json', '--port', String(port)])
    expect((JSON.parse(problem) as { code: string }).code).toBe('port_unavailable')
    server.close()
  })

  it.each([
    ['a port out of bounds', ['--port', '65536'], '--port'],
    ['a port that is no number', ['--port', 'http'], '--port'],
    ['a rate of nothing', ['--rate-limit', '0'], '--rate-limit'],
    ['a file that is not there', ['--faults', 'nowhere.json'], 'no such file'],
    ['a file that is not JSON', ['--faults', 'broken.json'], 'line 1, column 15'],
    ['a file without a list', ['--faults', 'object.json'], 'does not hold a list'],
    ['a form of tokens that does not exist', ['--access-tokens', 'saml'], 'none of jwt, at+jwt, opaque'],
    ['a profile that does not exist', ['--profile', 'lenient'], '"lenient" is none of strict, grace'],
    ['a fault of nothing known', ['--faults', 'unknown.json'], 'on'],
  ])('exits 2 on %s, and says so', async (_, argv, part) => {
    const files = {
      'broken.json': '[{"on":"mint",}]',
      'object.json': '{}',
      'unknown.json': '[{"on":"tea","do":{"status":418}}]',
    }
    const { code, out, err } = await runInFolder(['sandbox', ...argv], { files })
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('[invalid_input]')
    expect(err).toContain(part)
  })

  it('exits 1 on an address of another machine', async () => {
    const { code, err } = await runInFolder(['sandbox', '--host', '203.0.113.1'])
    expect(code).toBe(1)
    expect(err).toContain('not of this machine')
  })
})
