import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An exchange of fixtures/wire. */
interface Exchange {
  readonly request: { readonly method: string; readonly path: string }
  readonly answer: { readonly status: number; readonly body?: unknown }
}

/** An upstream on loopback that grants access tokens, and answers one request as a fixture says. */
export interface FixtureUpstream {
  /** The settings of a connection to it. */
  readonly env: Readonly<Record<string, string>>
  /** The bodies of the requests that the fixture answered. */
  readonly asked: readonly unknown[]
  close(): Promise<void>
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** `scope`: what its access tokens are granted. */
export async function fixtureUpstream(fixture: string, scope: string): Promise<FixtureUpstream> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { request, answer } = JSON.parse(fixture) as Exchange
  const asked: unknown[] = []

  function jwtOf(sub: string): string {
    const now = Math.floor(Date.now() / 1_000)
    const input = `${base64url({ alg: 'RS256' })}.${base64url({ sub, iat: now, exp: now + 3_600 })}`
    return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
  }

  async function reply(got: IncomingMessage, to: ServerResponse): Promise<void> {
    const body = (await got.toArray()).join('')
    const send = (status: number, json: string): void =>
      void to.writeHead(status, { 'content-type': 'application/json' }).end(json)
    if (got.url === '/oauth/token')
      return send(200, JSON.stringify({ access_token: randomUUID(), token_type: 'bearer', expires_in: 3_600, scope }))
    if (got.method !== request.method || got.url !== request.path) return send(404, '{"code":"not.found"}')
    asked.push(JSON.parse(body))
    const id = randomUUID()
    send(answer.status, JSON.stringify(answer.body).replace('<uuid>', id).replace('<jwt>', jwtOf(id)))
  }

  const server = createServer((got, to) => void reply(got, to))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    asked,
    env: {
      GENESYS_BASE_URL: url,
      GENESYS_TOKEN_PATH: '/oauth/token',
      GENESYS_CLIENT_ID: 'client',
      GENESYS_CLIENT_SECRET: 'secret',
      GENESYS_PUBLIC_KEY: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
