import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { LIFE_SECONDS, SCOPES } from './live-sessions.ts'

/** An upstream that issues and refreshes guest tokens as fast as it can: each next token was signed in advance. */
export interface RefreshUpstream {
  readonly url: string
  /** What verifies its tokens, as PEM. */
  readonly publicKey: string
  /** Signs the next token of each of these guests. */
  prepare(guestIds: readonly string[]): Promise<void>
  /** Refreshes that were asked for, and guests that were: the same when no guest was refreshed twice. */
  asked(): { readonly refreshes: number; readonly guests: number }
  close(): void
}

const signed = promisify(sign) as (algorithm: string, data: Buffer, key: KeyObject) => Promise<Buffer>
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
/** Signed at once: enough to keep the thread pool busy. */
const TOGETHER = 256

/** Signs tokens of guests, and keeps them until they are asked for. */
function createSignedTokens() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const next = new Map<string, string>()
  const header = part({ alg: 'RS256', typ: 'JWT', kid: randomUUID() })
  const organization = randomUUID()
  const signFor = async (guestId: string): Promise<void> => {
    const now = Math.floor(Date.now() / 1_000)
    const claims = {
      iss: 'https://login.example.com',
      aud: 'webmessaging',
      sub: guestId,
      org: organization,
      scope: SCOPES,
      iat: now,
      nbf: now,
      exp: now + LIFE_SECONDS,
      jti: randomUUID(),
    }
    const input = `${header}.${part(claims)}`
    next.set(guestId, `${input}.${(await signed('sha256', Buffer.from(input), privateKey)).toString('base64url')}`)
  }
  return {
    publicKey: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    of: (guestId: string): string | undefined => next.get(guestId),
    async prepare(guestIds: readonly string[]): Promise<void> {
      for (let from = 0; from < guestIds.length; from += TOGETHER)
        await Promise.all(guestIds.slice(from, from + TOGETHER).map(signFor))
    },
  }
}

export async function refreshUpstream(): Promise<RefreshUpstream> {
  const tokens = createSignedTokens()
  let refreshes = 0
  const guests = new Set<string>()

  const refreshed = (path: string): object | undefined => {
    const guestId = path.split('/').at(-2) ?? ''
    const guestToken = tokens.of(guestId)
    refreshes += 1
    guests.add(guestId)
    return guestToken === undefined ? undefined : { guestTokenId: guestId, guestToken }
  }
  const issued = (body: string): object | undefined => {
    const { guestId } = JSON.parse(body) as { readonly guestId: string }
    const token = tokens.of(guestId)
    return token === undefined ? undefined : { token }
  }
  const answerTo = (url: string, body: string): object | undefined => {
    if (url.endsWith('/refresh')) return refreshed(url)
    return url.endsWith('/generate-token') ? issued(body) : access
  }
  const access = { access_token: randomUUID(), token_type: 'bearer', expires_in: 86_400 }
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      const answer = answerTo(request.url ?? '', body)
      response.statusCode = answer ? 200 : 404
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer ?? {}))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publicKey: tokens.publicKey,
    prepare: tokens.prepare,
    asked: () => ({ refreshes, guests: guests.size }),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
