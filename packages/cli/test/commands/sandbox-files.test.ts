import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { parseEnv } from 'node:util'
import type { SandboxGuest, User } from '@guestpass/sandbox'
import { afterEach, describe, expect, it } from 'vitest'
import { createCommandRunner } from '../../src/commands/runner/runner.ts'
import { commandGroups, commands } from '../../src/commands/index.ts'
import { freePort } from '../../../../tools/free-port.ts'
import { runInFolder, runInProcess } from '../run-in-process.ts'
import { temporaryFolder } from '../spawn-cli.ts'

interface Running {
  readonly out: string
  /** Standard error until now. */
  readonly err: () => string
  readonly stop: () => Promise<number>
}

const stops: (() => Promise<number>)[] = []
afterEach(() => Promise.all(stops.splice(0).map((stop) => stop())))

/** Starts the command in this process. Resolves with its first output. */
function started(cwd: string, ...argv: string[]): Promise<Running> {
  const ending = new AbortController()
  return new Promise((resolve, reject) => {
    let err = ''
    const code = createCommandRunner(commands, commandGroups, {
      argv: ['sandbox', ...argv],
      env: {},
      cwd,
      pid: 1,
      program: '',
      stdout: {
        write: (out) => resolve({ out, err: () => err, stop }),
      },
      stderr: { write: (text) => void (err += text) },
      input: async () => new Uint8Array(),
      signal: ending.signal,
      version: '0',
    }).run()
    const stop = (): Promise<number> => {
      ending.abort()
      return code
    }
    stops.push(stop)
    void code.then(() => reject(new Error(err)))
  })
}

describe('guestpass sandbox --env', () => {
  const { cwd } = temporaryFolder({ 'mine.env': 'KEPT=1\n', 'empty.env': '' })
  const at = (name: string): string => join(cwd, name)

  it('writes a .env that only its owner can read, and replaces it at the next start', async () => {
    const first = await started(cwd, '--env', '.env')
    expect(first.out).toMatch(/^A local Genesys Cloud at http:\S+, process 1\. Its variables are in \S+\.env\.\n$/)
    expect(first.out).not.toContain('SECRET')
    expect(statSync(at('.env')).mode & 0o777).toBe(0o600)
    const before = parseEnv(readFileSync(at('.env'), 'utf8'))
    await first.stop()
    const second = await started(cwd, '--env', '.env', '--json')
    const { env } = JSON.parse(second.out) as { readonly env: Readonly<Record<string, string>> }
    const after = parseEnv(readFileSync(at('.env'), 'utf8'))
    expect(after).toEqual(env)
    expect(after['GENESYS_CLIENT_ID']).not.toBe(before['GENESYS_CLIENT_ID'])
    expect((await runInProcess(['config', '--json'], cwd)).code).toBe(0)
  })

  it('names the sandbox that still runs and whose file it replaces', async () => {
    const first = await started(cwd, '--env', 'twice.env')
    expect(first.err()).not.toContain('replaces')
    const [, url = ''] = /(http:[^,]+),/.exec(first.out) ?? []
    const second = await started(cwd, '--env', 'twice.env')
    await second.stop()
    expect(second.err()).toContain(`the file replaces that of ${url}, process 1, which still runs`)
    const third = await started(cwd, '--env', 'twice.env')
    await third.stop()
    expect(third.err()).not.toContain('replaces')
  })

  it('prints the control token if it listens beyond loopback', async () => {
    await started(cwd, '--env', 'wide.env', '--host', '0.0.0.0')
    const other = await started(cwd, '--env', 'wide.env', '--host', '0.0.0.0')
    await other.stop()
    expect(other.err()).toContain('which still runs')
    const [, token] = /\nIts control routes want the header x-sandbox-token: (\S{20,})\n$/.exec(other.out) ?? []
    expect(readFileSync(at('wide.env'), 'utf8')).toContain(`x-sandbox-token: ${token}`)
  })

  it.runIf(sep === '/')('refuses a path of Windows on another system', async () => {
    const { code, err } = await runInProcess(['sandbox', '--env', 'C:\\app\\.env'], cwd)
    expect([code, err]).toEqual([2, expect.stringContaining('is a Windows path, and this system is not Windows')])
    expect(err).toContain('Write a path of this system, as ./.env.')
  })

  it('fills an empty file', async () => {
    await started(cwd, '--env', 'empty.env')
    expect(readFileSync(at('empty.env'), 'utf8')).toMatch(/^# A local Genesys Cloud at /)
  })

  it('does not start over a file that it did not write, or that was changed since', async () => {
    await (await started(cwd, '--env', 'changed.env')).stop()
    writeFileSync(at('changed.env'), `OWN=1\n${readFileSync(at('changed.env'), 'utf8')}`)
    for (const name of ['mine.env', 'changed.env']) {
      const before = readFileSync(at(name), 'utf8')
      const { code, out, err } = await runInProcess(['sandbox', '--env', name], cwd)
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain(`--env: names ${at(name)}, which this command did not write, or which was changed since`)
      expect(err).toContain('Move it away, or name another file.')
      expect(err.match(/did not write/g)).toHaveLength(1)
      expect(readFileSync(at(name), 'utf8')).toBe(before)
    }
  })

  it.each([
    ['a folder', '.'],
    ['a folder that does not exist', 'none/.env'],
  ])('exits 2 for %s', async (_, name) => {
    const { code, err } = await runInProcess(['sandbox', '--env', name], cwd)
    expect(code).toBe(2)
    expect(err).toMatch(/^guestpass: --env: .*(EISDIR|ENOENT).*\[invalid_input\]\n {2}\S/)
  })
})

describe('guestpass sandbox', () => {
  it('says that a sandbox has the port already', async () => {
    const { cwd } = temporaryFolder()
    const { out } = await started(cwd, '--json')
    const { port } = new URL((JSON.parse(out) as { readonly url: string }).url)
    const { code, err } = await runInProcess(['sandbox', '--port', port], cwd)
    expect([code, err]).toEqual([1, expect.stringContaining(`127.0.0.1:${port}: a sandbox runs there already; use it`)])
  })

  it('begins with the users and guests of files', async () => {
    const { cwd } = temporaryFolder({
      'users.json': '[{"id": "ada", "name": "Ada", "email": "ada@example.test"}]',
      'guests.json': '[{"guestId": "ann", "email": "ann@example.test"}]',
    })
    const { out } = await started(cwd, '--users', 'users.json', '--guests', 'guests.json', '--json')
    const { url } = JSON.parse(out) as { readonly url: string }
    const [guest] = (await (await fetch(`${url}/__sandbox/guests`)).json()) as SandboxGuest[]
    expect(guest).toMatchObject({ guestId: 'ann', live: true })
    const user: Pick<User, 'id'> = { id: 'ada' }
    const body = JSON.stringify({ auto: true, user: user.id })
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${url}/__sandbox/consent`, { method: 'POST', headers, body })).status).toBe(200)
  })

  it('names every mistake in files and in the public address at once', async () => {
    const files = {
      'users.json': '[{"email": "ada"}]',
      'guests.json': '[{"email": "ann"}, {"api": "tea"}]',
    }
    const argv = ['sandbox', '--users', 'users.json', '--guests', 'guests.json', '--public-url', 'sandbox:4000']
    const { code, out, err } = await runInFolder(argv, { files })
    expect([code, out]).toEqual([2, ''])
    for (const part of [
      '--users: user 1 has no `name`',
      '--guests: guest 1, `email`: ',
      'guest 2, `api`',
      '--public-url: is not an',
    ])
      expect(err).toContain(part)
    expect(err.match(/Correct the file\. Its form: \[\{"name": "Ada"/g)).toHaveLength(1)
    const absent = await runInFolder(['sandbox', '--users', 'none.json', '--guests', 'guests.json'], {
      files: { 'guests.json': '{}' },
    })
    expect(absent.err).toMatch(
      /--users: names none\.json, which cannot be read \(ENOENT\)[\s\S]*--guests: does not hold a list\n.*Write \[/,
    )
  })

  it('is reached at its public address, a name beyond loopback, by a .env that allows plain http there', async () => {
    const { cwd } = temporaryFolder()
    const port = String(await freePort())
    // 0.0.0.0 leads to this machine, and is no address of loopback.
    const publicUrl = `http://0.0.0.0:${port}`
    await started(cwd, '--port', port, '--public-url', `${publicUrl}/`, '--env', '.env')
    const issue = [
      'guest',
      'issue',
      '--api',
      'engagements',
      '--email',
      'ann@example.test',
      '--consent',
      '--channel',
      'web',
    ]
    const issued = await runInProcess([...issue, '--json'], cwd)
    expect([issued.code, JSON.parse(issued.out)]).toEqual([0, expect.objectContaining({ verified: true })])
    const deliveries = (await (await fetch(`${publicUrl}/__sandbox/deliveries?name=analytics`)).json()) as unknown[]
    expect(deliveries).not.toEqual([])
    const doctor = await runInProcess(['doctor'], cwd)
    expect(doctor.out).toMatch(/^No failures, 1 warning\.$/m)
    for (const { err } of [issued, doctor]) {
      expect(err.match(/^guestpass: warning: .*/gm)).toEqual([
        expect.stringMatching(/GUESTPASS_INSECURE_HOSTS names 0\.0\.0\.0:\d+: .* over plain http/),
      ])
    }
    writeFileSync(join(cwd, '.env'), readFileSync(join(cwd, '.env'), 'utf8').replace(/^GUESTPASS_INSECURE.*$/m, ''))
    const refused = await runInProcess(issue, cwd)
    expect(refused.code).toBe(2)
    expect(refused.err).toMatch(/GENESYS_API_BASE_URL: is plain http[\s\S]*the hosts in GUESTPASS_INSECURE_HOSTS/)
  })
})
