import { generateKeyPairSync, sign } from 'node:crypto'
import type { Http, HttpAnswer, HttpRequest } from '../../src/ports/http.ts'
import type { FakeClock } from '../../src/testing/index.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** The key that guest tokens of the fake upstream are signed with. */
export const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A compact JWS signed by the fake upstream, or by another key. */
export function jwt(claims: Record<string, unknown>, key = pair.privateKey): string {
  const input = `${base64url({ alg: 'RS256', typ: 'JWT' })}.${base64url(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

export const strangerKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

/** An answer with a JSON body. */
export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  bytes: new TextEncoder().encode(JSON.stringify(body)),
})

/** Makes an answer. It throws if the request gets none. */
export type Answering = (request: HttpRequest, signal: AbortSignal) => HttpAnswer | Promise<HttpAnswer>

/** An upstream in memory: it grants access tokens and guest tokens unless a test replaces `token` or `mint`. */
export interface FakeUpstream {
  readonly http: Http
  /** Requests so far, by kind; a refresh of a guest token counts as `mint`. */
  readonly asked: { readonly token: HttpRequest[]; readonly mint: HttpRequest[] }
  /** Answers all requests of a kind from now on. */
  token: Answering
  /** Sees refreshes too, with the body that their guest was asked for first; its answers are given in the form of a refresh. */
  mint: Answering
}

export function fakeUpstream(clock: Pick<FakeClock, 'wall'>): FakeUpstream {
  const asked = { token: [] as HttpRequest[], mint: [] as HttpRequest[] }
  const bodies = new Map<unknown, string>()
  const remember = (body: string): void => void bodies.set((JSON.parse(body) as { guestId: unknown }).guestId, body)
  const upstream: FakeUpstream = {
    asked,
    token: () => granted(asked.token.length),
    mint: (request) => json(200, { token: jwt(guestClaims(request, clock.wall(), asked.mint.length)) }),
    async http(request, signal) {
      request.onSend?.()
      const kind = request.url.endsWith('/token') ? 'token' : 'mint'
      asked[kind].push(request)
      const guestId = /guesttokens\/([^/]+)\/refresh$/.exec(request.url)?.[1]
      if (kind === 'mint' && guestId === undefined) remember(request.body ?? '{}')
      if (guestId === undefined) return upstream[kind](request, signal)
      return refreshed(await upstream.mint({ ...request, body: bodies.get(guestId) ?? '{}' }, signal), guestId)
    },
  }
  return upstream
}

/** The answer of generate-token as a refresh says it. */
function refreshed(answer: HttpAnswer, guestTokenId: string): HttpAnswer {
  if (answer.status !== 200) return answer
  const { token, ...rest } = JSON.parse(new TextDecoder().decode(answer.bytes)) as Record<string, unknown>
  return { ...answer, bytes: new TextEncoder().encode(JSON.stringify({ ...rest, guestTokenId, guestToken: token })) }
}

/** The answer to the nth token request: an opaque token of an hour. */
export const granted = (nth: number, more: Readonly<Record<string, unknown>> = {}): HttpAnswer =>
  json(200, {
    access_token: `test-secret-token-${nth}`,
    token_type: 'bearer',
    expires_in: 3_600,
    scope: 'webmessaging:guest:create webmessaging:guesttoken:write',
    ...more,
  })

/** What a guest token says that is issued for a request. */
export function guestClaims({ body = '{}' }: HttpRequest, wall: number, nth: number): Record<string, unknown> {
  const { guestId, expirationDurationSeconds, scopes } = JSON.parse(body) as Record<string, unknown>
  const now = Math.floor(wall / 1_000)
  return { sub: guestId, scope: scopes, iat: now, exp: now + Number(expirationDurationSeconds), jti: `token-${nth}` }
}

/** An answer that comes after `release()`. */
export function held(answer: () => HttpAnswer): { readonly answering: Answering; release(): void } {
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  return { answering: () => gate.then(answer), release: () => release() }
}

/**
 * Asks while the first two token requests fail, until the third came, whose answer is held. However long signatures and imports take, no
 * fake time passes before.
 */
export async function askedUntilThirdTry<T>(
  upstream: FakeUpstream,
  failure: () => HttpAnswer,
  ask: () => Promise<T>,
): Promise<{ readonly asked: Promise<T>; release(): void }> {
  const open = held(() => granted(1))
  const third = Promise.withResolvers<void>()
  let tries = 0
  upstream.token = (...of) => {
    tries += 1
    if (tries < 3) return failure()
    third.resolve()
    return open.answering(...of)
  }
  const asked = ask()
  await third.promise
  return { asked, release: open.release }
}
