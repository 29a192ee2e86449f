import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A token endpoint on loopback that grants everything to everybody. */
export interface AuthorizationServer {
  readonly host: string
  readonly port: number
  readonly url: string
  /** How many tokens were issued. */
  issued(): number
  close(): void
}

/** Tokens that outlast every measure. */
const LIFE_SECONDS = 86_400

export async function authorizationServer(): Promise<AuthorizationServer> {
  let issued = 0
  const token = (): object => {
    issued += 1
    const random = crypto.getRandomValues(new Uint8Array(32))
    return { access_token: Buffer.from(random).toString('base64url'), token_type: 'bearer', expires_in: LIFE_SECONDS }
  }
  /** What msal-node discovers; it insists on https in addresses. */
  const discovery = (host: string, path: string): object => {
    const issuer = `https://${host}${path.replace(/\/(v2\.0\/)?\.well-known\/.*/, '')}`
    return {
      issuer,
      token_endpoint: `${issuer}/token`,
      authorization_endpoint: `${issuer}/authorize`,
      jwks_uri: `${issuer}/keys`,
    }
  }
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const { method, url = '/', headers } = request
      const answer = method === 'POST' ? token() : discovery(headers.host ?? '', url)
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  const host = '127.0.0.1'
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  return {
    host,
    port,
    url: `http://${host}:${port}`,
    issued: () => issued,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
