import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** An upstream over HTTP that makes one guest for each address and channel, and refuses another with 409. */
export interface GuestUpstream {
  readonly url: string
  readonly publicKey: string
  /** Creates that came in. */
  readonly creates: () => number
  /** The next create takes effect and is not answered; resolves when it came. */
  holds(): Promise<void>
  close(): Promise<void>
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export async function guestUpstream(): Promise<GuestUpstream> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const sessions = new Set<string>()
  let creates = 0
  let held: (() => void) | undefined

  const tokenOf = (sub: string): string => {
    const now = Math.floor(Date.now() / 1_000)
    const input = `${base64url({ alg: 'RS256' })}.${base64url({ sub, iat: now, exp: now + 3_600, jti: randomUUID() })}`
    return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
  }

  async function created(request: IncomingMessage): Promise<readonly [number, unknown] | undefined> {
    creates += 1
    const { email, channelId } = JSON.parse(await text(request)) as Record<string, unknown>
    const key = `${String(email)} ${String(channelId)}`
    const isNew = !sessions.has(key)
    sessions.add(key)
    if (held) {
      held()
      held = undefined
      return undefined
    }
    const guestId = randomUUID()
    return isNew
      ? [201, { guestId, token: tokenOf(guestId), expiresIn: 3_600, refreshToken: `test-secret-refresh-${guestId}` }]
      : [409, { code: 'conflict' }]
  }

  async function answered(request: IncomingMessage): Promise<readonly [number, unknown] | undefined> {
    const { method, url = '' } = request
    if (url.endsWith('/oauth/token')) return [200, { access_token: 'access', expires_in: 3_600 }]
    if (method === 'POST' && url.endsWith('/engagements/guests')) return created(request)
    return [200, {}]
  }

  const server = createServer((request, response) => {
    void answered(request).then((answer) => {
      if (!answer) return
      response.writeHead(answer[0], { 'content-type': 'application/json' }).end(JSON.stringify(answer[1]))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    creates: () => creates,
    holds: () =>
      new Promise((resolve) => {
        held = resolve
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
