import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launcher, temporaryFolder, spawnCli } from '../spawn-cli.ts'

const TOKEN = JSON.stringify({ access_token: 'a', token_type: 'bearer', expires_in: 3_600 })
const { cwd, remove } = temporaryFolder({
  'hook.mjs': `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(name, context, next) {
        if (/^@?[a-z]/.test(name) && !/^(node|file|data):/.test(name)) console.error('loads ' + name)
        return next(name, context)
      },
    })`,
})
const server = createServer((request, response) => {
  response.writeHead(request.method === 'POST' ? 200 : 404, { 'content-type': 'application/json' }).end(TOKEN)
})
let url = ''

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.close()
  remove()
})

const large = ['cli-progress', 'csv-parse/sync', 'kysely', 'oauth4webapi', 'undici']

/** How a command ended, and which packages it loaded, by name; `loaded` are the large ones. */
async function run(argv: readonly string[], env: Readonly<Record<string, string>>) {
  const options = `--import=${join(cwd, 'hook.mjs')}`
  const variables = { NODE_OPTIONS: options, GENESYS_CLIENT_ID: 'c', ...env }
  const { code, err } = await spawnCli(argv, cwd, variables, { entry: launcher }).ended
  const names = [...err.matchAll(/^loads (.+)$/gm)].map(([, name = '']) => name)
  const all = [...new Set(names)].sort()
  return { code, all, loaded: all.filter((name) => large.includes(name)) }
}

describe('the command line', () => {
  it('loads for each command what that command uses, so that it starts soon', async () => {
    const client = { GENESYS_BASE_URL: url, GENESYS_CLIENT_SECRET: 's' }
    expect(await run(['token', '--json'], client)).toMatchObject({ code: 0, loaded: ['kysely', 'undici'] })
    expect(await run(['token', '--json'], client)).toMatchObject({ code: 0, loaded: ['kysely'] })
    for (const command of [['guest', 'list'], ['report']])
      expect(await run([...command, '--json'], client)).toMatchObject({ code: 0, loaded: ['kysely'] })
  })

  it.each([
    [['--version'], []],
    [['--help'], ['commander']],
    [['guest', '--help'], ['commander']],
  ])('loads no command and no library for %j', async (argv, all) => {
    expect(await run(argv, {})).toMatchObject({ code: 0, all })
  })

  it('loads the kernel of OAuth where an issuer is to be discovered', async () => {
    const client = { GENESYS_ISSUER: url, GENESYS_CLIENT_SECRET: 's' }
    expect((await run(['token', '--json'], client)).loaded).toContain('oauth4webapi')
  })

  it('loads the reader of CSV for an import', async () => {
    const { loaded } = await run(['guest', 'import', 'none.csv', '--api', 'guest-tokens'], { GENESYS_BASE_URL: url })
    expect(loaded).toContain('csv-parse/sync')
  })
})
