import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../free-port.ts'
import { compileCache } from '../../packages/cli/test/spawn-cli.ts'
import { pageOf, piecesOf, programPath } from './page.ts'

/** The programs of the page; the first is what all others begin with. */
const [setup, ...programs] = piecesOf(pageOf('docs/middleware.md'), 'ts')

let upstream: Sandbox
const key = Buffer.alloc(32, 7).toString('base64')
const cwd = mkdtempSync(join(tmpdir(), 'guestpass-middleware-'))
const tokens: string[] = []
beforeAll(async () => {
  upstream = await sandbox()
  const ports = { ...nodePorts(), store: memoryStore() }
  const { GENESYS_CLIENT_ID: id = '', GENESYS_CLIENT_SECRET: secret = '' } = upstream.env
  const hosts = resolveHosts({ baseUrl: upstream.url })
  const { guests } = await connection({ hosts, client: { id, secret: new Secret(secret) } }, ports)
  for (const guestId of [ANN, '22222222-2222-4222-8222-222222222222'])
    tokens.push((await guests.issue({ guestId, scopes: ['webmessaging:guest:send'] })).token.reveal())
  await ports.close()
})
afterAll(async () => {
  await upstream.close()
  rmSync(cwd, { recursive: true })
})

const ANN = '11111111-1111-4111-8111-111111111111'

/** Writes a program as JavaScript, because Node reads no decorators. */
async function compiled(code: string, to: string): Promise<void> {
  const source = to.replace(/js$/, 'ts')
  writeFileSync(source, code)
  const bundle = await rolldown({
    input: source,
    external: (id) => /^[@\w]/.test(id) && !id.includes('oxc'),
    transform: { decorator: { legacy: true } },
  })
  await bundle.write({ file: to })
  await bundle.close()
  rmSync(source)
}

/** Asks until the program listens. */
async function answered(url: string, init: RequestInit, program: ChildProcess): Promise<Response> {
  for (;;) {
    try {
      return await fetch(url, init)
    } catch (cause) {
      if (program.exitCode !== null) throw new Error('The program ended.', { cause })
      await setTimeout(50)
    }
  }
}

it.each(programs)('the program for $title checks the tokens of requests', async ({ title, code }) => {
  const file = programPath(`middleware-${title}.js`)
  await compiled(`${setup?.code}\n${code}`, file)
  const port = await freePort()
  const program = spawn(process.execPath, [file], {
    cwd,
    env: { ...compileCache, ...upstream.env, GUESTPASS_ENCRYPTION_KEY: key, PORT: String(port) },
  })
  const said = Promise.all([text(program.stdout), text(program.stderr)])
  try {
    const [ann = '', other = ''] = tokens
    const ask = async (path: string, method: string, token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const answer = await answered(`http://127.0.0.1:${port}${path}`, { method, headers }, program)
      const body = (await answer.json()) as { reason?: string }
      return [answer.status, body.reason ?? body]
    }
    const messages = `/guests/${ANN}/messages`
    expect(await ask('/me', 'GET', ann)).toEqual([200, { guestId: ANN }])
    expect(await ask('/me', 'GET')).toEqual([401, 'no_token'])
    expect(await ask(messages, 'POST', ann)).toEqual([201, { from: ANN }])
    expect(await ask(messages, 'POST', other)).toEqual([403, 'subject'])
  } finally {
    program.kill()
    await said
    rmSync(file)
  }
  expect(await said).toEqual(['', ''])
})
