import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it came in. */
export interface Came {
  /** `METHOD path`. */
  readonly key: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** The APIs of the five published tutorials, with their paths and bodies, and strict about scopes and bearers. */
export interface TutorialUpstream {
  readonly url: string
  /** The key that signs guest tokens, in PEM. */
  readonly publicKey: string
  readonly came: readonly Came[]
  of(key: string): readonly Came[]
  /** What the next requests of a key are answered, one each, in the place of the usual. */
  answers(key: string, ...next: readonly Answer[]): void
  /** Scopes that the client may have; others are `invalid_scope`. */
  scopes: readonly string[]
  /** A guest token. */
  jwt(claims: Readonly<Record<string, unknown>>): string
  close(): Promise<void>
}

/** The session and the token of the tutorial that refreshes guest tokens: they have different ids. */
export const SESSION = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890'
export const SUB = 'guest-session-123'

export const REFRESH = `POST /api/v2/conversations/webmessaging/guesttokens/${SESSION}/refresh`
export const CREATE = 'POST /api/v2/engagements/guests'
export const USERS = 'POST /api/v2/externalusers/guests'
export const TOKEN = 'POST /oauth/token'
export const USER_TOKEN = 'POST /api/v2/oauth/token'

const ok = (body: unknown): Answer => ({ status: 200, body })

export async function tutorialUpstream(): Promise<TutorialUpstream> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const came: Came[] = []
  const script = new Map<string, Answer[]>()
  const bearers = new Set<string>()
  const sessions = new Map<string, string>()
  const refreshTokens = new Map<string, string>()
  let grants = 1

  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const jwt: TutorialUpstream['jwt'] = (claims) => {
    const now = Math.floor(Date.now() / 1_000)
    const input = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iat: now, exp: now + 3_600, jti: randomUUID(), ...claims })}`
    return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
  }

  function granted(scope: string, more: object = {}): Answer {
    const token = `access-${randomUUID()}`
    bearers.add(token)
    return ok({ access_token: token, token_type: 'bearer', expires_in: 3_600, scope, ...more })
  }

  function token(form: URLSearchParams): Answer {
    const scope = form.get('scope') ?? ''
    const isExcess = scope.split(' ').some((one) => !upstream.scopes.includes(one))
    return isExcess ? { status: 400, body: { error: 'invalid_scope' } } : granted(scope)
  }

  /** One refresh token after the other, each used once. */
  function userToken(form: URLSearchParams): Answer {
    if (form.get('refresh_token') !== `user-refresh-${grants}`) return { status: 400, body: { error: 'invalid_grant' } }
    grants += 1
    return granted(upstream.scopes.join(' '), { refresh_token: `user-refresh-${grants}` })
  }

  function guestTokens(guestId: string): object {
    const refreshToken = `guest-refresh-${randomUUID()}`
    refreshTokens.set(refreshToken, guestId)
    return { token: jwt({ sub: guestId }), expiresIn: 3_600, refreshToken }
  }

  function create(body: string): Answer {
    const { email, consent, channelId } = JSON.parse(body) as Record<string, unknown>
    const key = `${String(email)} ${String(channelId)}`
    if (sessions.has(key)) return { status: 409, body: { message: 'exists', code: 'conflict' } }
    const guestId = randomUUID()
    sessions.set(key, guestId)
    const createdDate = '2026-01-01T00:00:00.000Z'
    return { status: 201, body: { guestId, ...guestTokens(guestId), email, consent, channelId, createdDate } }
  }

  function rotate(body: string): Answer {
    const { refreshToken } = JSON.parse(body) as { refreshToken: string }
    const guestId = refreshTokens.get(refreshToken)
    refreshTokens.delete(refreshToken)
    return guestId ? ok(guestTokens(guestId)) : { status: 409, body: { code: 'consumed' } }
  }

  function user(body: string): Answer {
    const { name, email } = JSON.parse(body) as Record<string, unknown>
    const id = randomUUID()
    const [createdDate, updatedDate] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z']
    const selfUri = `/api/v2/externalusers/guests/${id}`
    return ok({ id, name, email, token: jwt({ sub: id }), createdDate, updatedDate, selfUri })
  }

  function refreshed(): Answer {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const guestToken = jwt({ sub: SUB, scope: 'webmessaging:guest:send' })
    return ok({ guestTokenId: SESSION, guestToken, expiresAt, createdAt: expiresAt, updatedAt: expiresAt })
  }

  const works: Readonly<Record<string, (body: string) => Answer>> = {
    [REFRESH]: refreshed,
    [CREATE]: create,
    'POST /api/v2/engagements/guests/refresh': rotate,
    [USERS]: user,
    'GET /api/v2/journey/actions/channels/web-1': () => ok({ id: 'web-1' }),
  }

  function answer({ key, body, headers }: Came): Answer {
    const scripted = script.get(key)?.shift()
    if (scripted) return scripted
    if (key === TOKEN) return token(new URLSearchParams(body))
    if (key === USER_TOKEN) return userToken(new URLSearchParams(body))
    if (!bearers.has(String(headers['authorization']).replace('Bearer ', ''))) return { status: 401, body: {} }
    if (key.startsWith('PUT /api/v2/engagements/guests/')) return ok({})
    return works[key]?.(body) ?? { status: 404, body: { code: 'not.found' } }
  }

  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (chunk: Buffer) => parts.push(chunk))
    request.on('end', () => {
      const { pathname } = new URL(request.url ?? '/', 'http://upstream')
      const one = {
        key: `${request.method} ${pathname}`,
        headers: request.headers,
        body: Buffer.concat(parts).toString(),
      }
      came.push(one)
      const { status, body, headers } = answer(one)
      const isText = typeof body === 'string'
      response
        .writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json', ...headers })
        .end(isText ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const upstream: TutorialUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    came,
    of: (key) => came.filter((one) => one.key === key),
    answers: (key, ...next) => void script.set(key, [...(script.get(key) ?? []), ...next]),
    scopes: [],
    jwt,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return upstream
}
