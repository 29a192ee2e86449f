import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTokenIssuer } from './token-issuer.ts'
import { type User, user } from './user.ts'

const mint = createTokenIssuer()
let upstream: Sandbox
let keyServer: Server
let ann: User

beforeAll(async () => {
  upstream = await sandbox()
  const entries = [{ kid: 'odd' }, { ...mint.rsaJwk, kid: 'enc', use: 'enc' }, ...mint.keySet.keys]
  keyServer = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: entries }))
  }).listen(0, '127.0.0.1')
  await once(keyServer, 'listening')
  ann = user(upstream.env)
})
afterAll(async () => {
  ann.removeFolder()
  keyServer.close()
  await upstream.close()
})

interface Found {
  readonly findings: readonly { readonly check: string; readonly state: string; readonly message: string }[]
}

const lookedAt = async (env: Readonly<Record<string, string>>) => {
  const { said } = await ann.runJson<Found>('doctor', { env })
  return (check: string) => said.findings.find((one) => one.check === check)
}

describe('guestpass doctor', () => {
  it('names the entries of a key-set that are not used, and why', async () => {
    const { port } = keyServer.address() as AddressInfo
    const found = await lookedAt({ GENESYS_JWKS_URL: `http://127.0.0.1:${port}/keys` })
    expect(found('keys')).toMatchObject({ state: 'ok' })
    expect(found('keys')?.message).toBe(
      '2 usable, RS256 rsa, ES256 ec; not used: key odd: it is none of an RSA, P-256 and Ed25519 key; key enc: its use is not sig',
    )
  })

  it('asks for the key-set now, and does not trust what the store remembers', async () => {
    expect((await lookedAt({}))('keys')).toMatchObject({ state: 'ok' })
    upstream.script([{ on: 'jwks', do: { status: 500 }, times: 5 }])
    expect((await lookedAt({}))('keys')).toMatchObject({ state: 'failed', code: 'keys_unavailable' })
    upstream.script([])
  })

  it('looks at the key-set that is behind a public key', async () => {
    const env = { GENESYS_PUBLIC_KEY: mint.rsaPem, GENESYS_JWKS_URL: 'http://127.0.0.1:1/keys' }
    const found = await lookedAt(env)
    expect(found('keys')).toMatchObject({ state: 'ok' })
    expect(found('keys of access tokens')).toMatchObject({ state: 'failed' })
  })
})
