import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A token endpoint on loopback that grants everything to everybody. */
export interface AuthorizationServer {
  readonly host: string
  readonly port: number
  readonly url: string
  /** How many tokens were issued. */
  issued(): number
  /** Changes how tokens are issued from now on. */
  change(issuing: Partial<Issuing>): void
  close(): void
}

interface Issuing {
  readonly lifeSeconds: number
  /** The length of a token before it is written as base64url. */
  readonly bytes: number
  /** How long an answer takes, in milliseconds. */
  readonly answerMs: number
}

/** Tokens that outlast every measure, at once. */
const lasting: Issuing = { lifeSeconds: 86_400, bytes: 32, answerMs: 0 }

export async function authorizationServer(): Promise<AuthorizationServer> {
  let issued = 0
  let issuing = lasting
  const token = (): object => {
    issued += 1
    const random = crypto.getRandomValues(new Uint8Array(issuing.bytes))
    const access = Buffer.from(random).toString('base64url')
    return { access_token: access, token_type: 'bearer', expires_in: issuing.lifeSeconds }
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
      const send = () => response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
      if (method === 'POST' && issuing.answerMs > 0) setTimeout(send, issuing.answerMs)
      else send()
    })
  })
  const host = '127.0.0.1'
  await new Promise<void>((resolve) => server.listen({ port: 0, host, backlog: 4_096 }, resolve))
  const { port } = server.address() as AddressInfo
  return {
    host,
    port,
    url: `http://${host}:${port}`,
    issued: () => issued,
    change(to) {
      issuing = { ...issuing, ...to }
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
