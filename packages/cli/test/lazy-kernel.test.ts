import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { site, started } from './spawned.ts'

const TOKEN = JSON.stringify({ access_token: 'a', token_type: 'bearer', expires_in: 3_600 })
const { cwd, remove } = site({
  'hook.mjs': `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(name, context, next) {
        if (name === 'oauth4webapi') console.error('KERNEL')
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

/** How a command ended, and whether it loaded the kernel of OAuth. */
async function run(argv: readonly string[], env: Readonly<Record<string, string>>) {
  const options = `--import=${join(cwd, 'hook.mjs')}`
  const { code, err } = await started(argv, cwd, { NODE_OPTIONS: options, GENESYS_CLIENT_ID: 'c', ...env }).ended
  return { code, isLoaded: err.includes('KERNEL') }
}

describe('the command line', () => {
  it('does not load the kernel of OAuth for its help, nor for a token by client credentials', async () => {
    expect(await run(['--help'], {})).toEqual({ code: 0, isLoaded: false })
    const client = { GENESYS_BASE_URL: url, GENESYS_CLIENT_SECRET: 's' }
    expect(await run(['token', '--json'], client)).toEqual({ code: 0, isLoaded: false })
  })

  it('loads it where an issuer is to be discovered', async () => {
    const client = { GENESYS_ISSUER: url, GENESYS_CLIENT_SECRET: 's' }
    expect(await run(['token', '--json'], client)).toMatchObject({ isLoaded: true })
  })
})
