import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { runInProcess } from '../run-in-process.ts'
import { spawnCli, temporaryFolder } from '../spawn-cli.ts'

let upstream: Sandbox
const { cwd, remove } = temporaryFolder()
beforeAll(async () => {
  upstream = await sandbox({ algorithm: 'ES256' })
})
afterAll(async () => {
  await upstream.close()
  remove()
})

const SCOPES = JSON.stringify({ scopes: ['webmessaging:guest:send'] })

const issue = (url: string, key: string) =>
  fetch(`${url}/v1/guests`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: SCOPES,
  })

it('serves until it is asked to stop, and takes keys that the command makes and revokes meanwhile', async () => {
  const env = { ...upstream.env, PATH: process.env['PATH'] ?? '', GUESTPASS_DRAIN_SECONDS: '0' }
  const serving = spawnCli(['serve', '--port', '0', '--json'], cwd, env)
  const [line = ''] = (await serving.matchOnStandardOutput(/\n/)).split('\n')
  const { url, pid, apiKey } = JSON.parse(line) as Readonly<Record<'url' | 'apiKey', string>> & { readonly pid: number }
  expect(pid).toBe(serving.child.pid)
  expect((await issue(url, apiKey)).status).toBe(201)

  const made = await runInProcess(['api-keys', 'create', '--name', 'shop', '--role', 'issuer', '--json'], cwd, env)
  const { id, key } = JSON.parse(made.out) as Readonly<Record<'id' | 'key', string>>
  const answer = await issue(url, key)
  expect(answer.status).toBe(201)
  const { guestId } = (await answer.json()) as Readonly<Record<string, string>>
  const shown = await runInProcess(['guest', 'show', guestId ?? '', '--json'], cwd, env)
  expect(JSON.parse(shown.out)).toMatchObject({ guestId, owner: `key:${id}` })
  const body = await fetch(`${url}/v1/guests/${guestId}`, { headers: { authorization: `Bearer ${key}` } })
  expect(await body.json()).toEqual(JSON.parse(shown.out))

  const listed = await runInProcess(['api-keys', 'list'], cwd, { ...env, GUESTPASS_API_KEYS: 'auditor:test-secret-a' })
  expect(listed.out).toMatch(
    new RegExp(`env-[\\da-f]{12} +GUESTPASS_API_KEYS +active +auditor.*${id} +shop +active +issuer`, 's'),
  )
  expect((await runInProcess(['api-keys', 'revoke', id], cwd, env)).code).toBe(0)
  expect((await issue(url, key)).status).toBe(401)

  // Starts the inspector of a process that does not forbid it.
  serving.child.kill('SIGUSR1')
  if (spawnSync('prlimit', ['--version']).status === 0)
    expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/Max core file size +0 +0/)
  serving.child.kill('SIGTERM')
  const { code, err } = await serving.ended
  expect([code, err]).toEqual([0, expect.stringContaining('"route":"/v1/guests"')])
  expect(err).not.toContain('Debugger')
})

describe('serve', () => {
  it('does not listen beyond loopback without a key', async () => {
    const { code, err } = await runInProcess(
      ['serve', '--host', '0.0.0.0', '--port', '0', '--database', 'memory:'],
      cwd,
      upstream.env,
    )
    expect([code, err]).toEqual([2, expect.stringMatching(/is not loopback.*api-keys create/s)])
  })

  it('does not start with another key than that of the store, and names both', async () => {
    const other = temporaryFolder()
    const env = (key: string) => ({
      ...upstream.env,
      GUESTPASS_ENCRYPTION_KEY: Buffer.alloc(32, key).toString('base64'),
    })
    const made = ['api-keys', 'create', '--name', 'shop', '--role', 'issuer']
    expect((await runInProcess(made, other.cwd, env('a'))).code).toBe(0)
    const folder = join(other.cwd, '.guestpass')
    const filesIn = () => readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'base64')])
    const before = filesIn()
    const ofStore = /sealed with key [\da-f]{16}, /.source
    for (const [wrong, said] of [
      [env('b'), `${ofStore}.*\\(it has [\\da-f]{16}\\)`],
      [{ ...upstream.env, GUESTPASS_ENCRYPTION_KEY: '' }, `${ofStore}GUESTPASS_ENCRYPTION_KEY is not set`],
    ] as const) {
      const { code, err } = await runInProcess(['serve', '--port', '0'], other.cwd, wrong)
      const lines = err.trim().split('\n')
      expect([code, lines]).toEqual([2, [expect.stringMatching(new RegExp(said))]])
    }
    const short = { ...upstream.env, GUESTPASS_ENCRYPTION_KEY: 'c2hvcnQ=' }
    expect(await runInProcess(['serve', '--port', '0'], other.cwd, short)).toMatchObject({ code: 2 })
    expect(filesIn()).toEqual(before)
    other.remove()
  })

  it('says which port is taken', async () => {
    const { port } = new URL(upstream.url)
    const args = ['serve', '--port', port, '--database', 'memory:']
    const { code, err } = await runInProcess(args, cwd, upstream.env)
    expect([code, err]).toEqual([1, expect.stringContaining(`cannot listen on 127.0.0.1:${port}: it is taken`)])
  })
})
