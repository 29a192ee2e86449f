import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type PlainPeople, plainPeople } from './plain-people.ts'

/**
 * An upstream that is not the sandbox: written from the documented contract alone, on plain node:http, with only what the
 * contract promises (no optional claims, no rate-limit headers, scope as one string, ES256, another casing of types).
 */
export interface PlainUpstream {
  readonly url: string
  readonly env: Readonly<Record<string, string>>
  /** Requests met, as `METHOD path`. */
  readonly met: readonly string[]
  /** Every access and guest token given out. */
  readonly given: readonly string[]
  readonly people: PlainPeople
  close(): Promise<void>
}

const SECRET = 'plain-upstream-secret-7d1f'

export async function plainUpstream(): Promise<PlainUpstream> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = 'only-key'
  const met: string[] = []
  const accessTokens = new Map<string, string>()
  const given: string[] = []

  const jws = (claims: object): string => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${part({ alg: 'ES256', kid })}.${part(claims)}`
    return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
  const now = (): number => Math.floor(Date.now() / 1_000)

  const tokenEndpoint = (form: URLSearchParams, basic: string | undefined): [number, object] => {
    const [id, secret] = basic
      ? Buffer.from(basic.slice('Basic '.length), 'base64').toString().split(':')
      : [form.get('client_id'), form.get('client_secret')]
    if (id !== 'plain-client' || secret !== SECRET)
      return [401, { error: 'invalid_client', error_description: 'authentication failed' }]
    if (form.get('grant_type') !== 'client_credentials') return [400, { error: 'unsupported_grant_type' }]
    const token = `opaque-${randomUUID()}`
    accessTokens.set(token, form.get('scope') ?? '')
    given.push(token)
    return [200, { access_token: token, token_type: 'bearer', expires_in: 3_600, scope: form.get('scope') ?? '' }]
  }

  const bearerOf = (authorization = ''): string => authorization.replace(/^bearer /i, '')

  const people = plainPeople(
    (sub) => {
      // Two tokens of one second are two: the former is denied where the next replaces it.
      const token = jws({ sub, iat: now(), exp: now() + 3_600, sid: randomUUID() })
      given.push(token)
      return token
    },
    (secret) => given.push(secret),
  )

  const generateToken = (body: string, authorization: string | undefined): [number, object] => {
    if (!accessTokens.has(bearerOf(authorization)))
      return [401, { message: 'no', code: 'bad.credentials', status: 401 }]
    const { guestId, expirationDurationSeconds, scopes } = JSON.parse(body) as {
      guestId: string
      expirationDurationSeconds: number
      scopes: string[]
    }
    const token = jws({ sub: guestId, scope: scopes.join(' '), iat: now(), exp: now() + expirationDurationSeconds })
    given.push(token)
    return [200, { token }]
  }

  const answer = (request: IncomingMessage, body: string): [number, object] => {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://upstream')
    const key = `${request.method} ${pathname}`
    met.push(key)
    if (key === 'POST /oauth/token') return tokenEndpoint(new URLSearchParams(body), request.headers.authorization)
    if (key === 'POST /api/v2/webmessaging/guests/generate-token')
      return generateToken(body, request.headers.authorization)
    if (key === 'GET /.well-known/jwks.json')
      return [200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' }] }]
    const scopes = accessTokens.get(bearerOf(request.headers.authorization))?.split(' ') ?? []
    return (
      people.answer({ key, body, scopes, query }) ?? [404, { message: 'not found', code: 'not.found', status: 404 }]
    )
  }

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const [status, json] = answer(request, Buffer.concat(parts).toString())
      response.writeHead(status, { 'Content-Type': 'application/json;charset=UTF-8' }).end(JSON.stringify(json))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    met,
    given,
    people,
    env: {
      GENESYS_OAUTH_BASE_URL: url,
      GENESYS_API_BASE_URL: url,
      GENESYS_CLIENT_ID: 'plain-client',
      GENESYS_CLIENT_SECRET: SECRET,
      GENESYS_TOKEN_ALGORITHMS: 'ES256',
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
