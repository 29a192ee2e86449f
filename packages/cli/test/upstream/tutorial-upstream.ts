import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ephemeralCalls, SESSION } from './tutorial-ephemeral.ts'
import { tutorialKey } from './tutorial-keys.ts'
import { type TutorialClient, tutorialOAuth } from './tutorial-oauth.ts'
import { crmProfile, peopleCalls } from './tutorial-people.ts'
import { type Answer, answerOf, type Came, ok, refuse } from './tutorial-wire.ts'

export { SESSION, SUB } from './tutorial-ephemeral.ts'
export { CHANNEL, CUSTOMER } from './tutorial-people.ts'

/** The APIs of the five published tutorials, with their paths and bodies, and strict about clients, scopes and bearers. */
export interface TutorialUpstream {
  readonly url: string
  /** The key that signs guest tokens, in PEM. Access tokens that are JWTs have a key of their own. */
  readonly publicKey: string
  /** A key that signed them once, and signs no more. */
  readonly formerKey: string
  readonly client: TutorialClient
  readonly came: readonly Came[]
  of(key: string): readonly Came[]
  /** What the next requests of a key are answered, one each, in the place of the usual. */
  answers(key: string, ...next: readonly Answer[]): void
  /** A guest token. */
  jwt(claims: Readonly<Record<string, unknown>>): string
  /** An access token. */
  accessJwt(claims: Readonly<Record<string, unknown>>): string
  /** Every token that was given out. */
  readonly given: readonly string[]
  close(): Promise<void>
}

export const REFRESH = `POST /api/v2/conversations/webmessaging/guesttokens/${SESSION}/refresh`
export const GENERATE = 'POST /api/v2/webmessaging/guests/generate-token'
export const CHANNELS = 'GET /api/v2/journey/actions/channels/web-1'
export const CREATE = 'POST /api/v2/engagements/guests'
export const USERS = 'POST /api/v2/externalusers/guests'
export const TOKEN = 'POST /oauth/token'
export const USER_TOKEN = 'POST /api/v2/oauth/token'
export const AUTHORIZE = 'GET /api/v2/oauth/authorize'
export const KEYS = 'GET /.well-known/jwks.json'
export const CRM = 'GET /crm/profiles'

/** Lets pages of every origin in. */
const ANY_ORIGIN = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*, authorization' }

export async function tutorialUpstream(): Promise<TutorialUpstream> {
  const given: string[] = []
  const guestKey = tutorialKey('guests-1', given)
  const loginKey = tutorialKey('login-1', given)
  const client: TutorialClient = {
    id: 'tutorial-client',
    secret: 'test-secret-tutorial-5b1c',
    scopes: [],
    accessTokens: 'opaque',
  }
  const oauth = tutorialOAuth(client, loginKey, given)
  const calls = [...ephemeralCalls(guestKey), ...peopleCalls(guestKey)]
  const came: Came[] = []
  const script = new Map<string, Answer[]>()

  const open: Readonly<Record<string, (came: Came) => Answer>> = {
    [TOKEN]: oauth.token,
    [USER_TOKEN]: oauth.userToken,
    [AUTHORIZE]: oauth.authorize,
    [KEYS]: () => ok({ keys: [guestKey.jwk, loginKey.jwk] }),
    [CRM]: ({ query }) => crmProfile(query),
  }

  function answer(one: Came): Answer {
    const known = script.get(one.key)?.shift() ?? open[one.key]?.(one)
    if (known) return known
    const scopes = oauth.scopesOf(one)
    if (!scopes) return refuse('no access token', 401)
    return answerOf(calls, one, scopes) ?? refuse('no such path', 404)
  }

  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(ANY_ORIGIN)) response.setHeader(name, value)
    const parts: Buffer[] = []
    request.on('data', (chunk: Buffer) => parts.push(chunk))
    request.on('end', () => {
      if (request.method === 'OPTIONS') {
        response.writeHead(204).end()
        return
      }
      const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://upstream')
      const body = Buffer.concat(parts).toString()
      const one = { key: `${request.method} ${pathname}`, query, headers: request.headers, body }
      came.push(one)
      const { status, body: said, headers } = answer(one)
      const isText = typeof said === 'string'
      response
        .writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json', ...headers })
        .end(isText ? said : JSON.stringify(said))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publicKey: guestKey.pem,
    formerKey: tutorialKey('guests-0', []).pem,
    client,
    came,
    of: (key) => came.filter((one) => one.key === key),
    answers: (key, ...next) => void script.set(key, [...(script.get(key) ?? []), ...next]),
    jwt: guestKey.jwt,
    accessJwt: loginKey.jwt,
    given,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
