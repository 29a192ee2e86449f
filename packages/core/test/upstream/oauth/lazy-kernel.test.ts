import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

const ROOT = new URL('../../../../../', import.meta.url)

/** What a program with this text loads, of the modules whose name holds a word. */
function loaded(text: string): readonly string[] {
  const hooks = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ resolve: (name, context, next) => (/oauth4webapi/.test(name) && seen.push(name), next(name, context)) })
    ${text}
    console.log(JSON.stringify(seen))`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', hooks], { cwd: ROOT, encoding: 'utf8' })
  return JSON.parse(said.trim().split('\n').at(-1) ?? '') as string[]
}

const CONNECTION = `
  const { connection, memoryStore, resolveHosts, Secret } = await import('@guestpass/core')
  const { nodePorts } = await import('@guestpass/core/node')
  const http = async () => ({ status: 200, headers: { 'content-type': 'application/json' }, bytes: new TextEncoder().encode('{"access_token":"a"}') })
  const of = await connection(
    { hosts: resolveHosts({ baseUrl: 'https://gw.example.com' }), client: { id: 'c', secret: new Secret('s') } },
    { ...nodePorts(), http, store: memoryStore() },
  )`

describe('the kernel of OAuth', () => {
  it('is loaded by a sign-in, and not by importing the library or getting a token', () => {
    expect(loaded(`${CONNECTION}; await of.accessTokens.token()`)).toEqual([])
    const begun = `const { url } = await of.signIn.begin({ redirectUri: 'http://127.0.0.1/cb' })
      await of.signIn.complete(new URLSearchParams({ code: 'c', state: new URL(url).searchParams.get('state') }))`
    expect(loaded(`${CONNECTION}; ${begun}`)).toContain('oauth4webapi')
  })
})
