import { createHash, randomUUID } from 'node:crypto'
import type { TutorialKey } from './tutorial-keys.ts'
import { type Answer, type Came, ok, refuse } from './tutorial-wire.ts'

/** The client that the OAuth server knows, and what it may ask for. */
export interface TutorialClient {
  readonly id: string
  readonly secret: string
  /** Scopes that it may have by its own credentials; others are `invalid_scope`. */
  scopes: readonly string[]
  /** Scopes that a user who signs in gives it. Default: the same. */
  userScopes?: readonly string[]
  /** How access tokens look. */
  accessTokens: 'opaque' | 'jwt'
}

interface TutorialOAuth {
  /** Client credentials. */
  token(came: Came): Answer
  /** Refresh tokens and codes. */
  userToken(came: Came): Answer
  /** A user who agrees at once. */
  authorize(came: Came): Answer
  /** The scopes of the access token that a request carries; undefined: it carries none that is known. */
  scopesOf(came: Came): readonly string[] | undefined
}

const FORM = 'application/x-www-form-urlencoded'
const oauthError = (error: string, status = 400): Answer => ({ status, body: { error } })
const words = (scope: string): readonly string[] => scope.split(' ').filter((word) => word !== '')

/** `given`: takes every access token. */
export function tutorialOAuth(client: TutorialClient, key: TutorialKey, given: string[]): TutorialOAuth {
  const bearers = new Map<string, readonly string[]>()
  const codes = new Map<string, URLSearchParams>()
  let grants = 1

  function granted(scopes: readonly string[], more: object = {}): Answer {
    const scope = scopes.join(' ')
    const token = client.accessTokens === 'jwt' ? key.jwt({ sub: 'user-1', scope }) : `access-${randomUUID()}`
    bearers.set(token, scopes)
    given.push(token)
    return ok({ access_token: token, token_type: 'bearer', expires_in: 3_600, scope, ...more })
  }

  /** One refresh token after the other, each used once. */
  function nextGrant(scopes: readonly string[]): Answer {
    grants += 1
    return granted(scopes, { refresh_token: `user-refresh-${grants}` })
  }

  const ofUser = (): readonly string[] => client.userScopes ?? client.scopes
  const isExcess = (asked: readonly string[], allowed: readonly string[]): boolean =>
    asked.some((scope) => !allowed.includes(scope))

  /** What a token request says, or why it is refused. A public client may give no secret where `isPublic`. */
  function formOf({ headers, body }: Came, isPublic: boolean): URLSearchParams | Answer {
    if (!headers['content-type']?.startsWith(FORM)) return oauthError('invalid_request', 415)
    const form = new URLSearchParams(body)
    const secret = form.get('client_secret')
    const isKnown = form.get('client_id') === client.id && (secret === client.secret || (isPublic && secret === null))
    return isKnown ? form : oauthError('invalid_client', 401)
  }

  function redeemed(form: URLSearchParams): Answer {
    const asked = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    const fits = asked?.get('code_challenge') === challenge && asked.get('redirect_uri') === form.get('redirect_uri')
    return fits ? nextGrant(words(asked.get('scope') ?? '')) : oauthError('invalid_grant')
  }

  return {
    scopesOf: ({ headers }) => bearers.get((headers.authorization ?? '').replace('Bearer ', '')),
    token(came) {
      const form = formOf(came, false)
      if (!(form instanceof URLSearchParams)) return form
      if (form.get('grant_type') !== 'client_credentials') return oauthError('unsupported_grant_type')
      const scopes = words(form.get('scope') ?? '')
      return isExcess(scopes, client.scopes) ? oauthError('invalid_scope') : granted(scopes)
    },
    userToken(came) {
      const form = formOf(came, true)
      if (!(form instanceof URLSearchParams)) return form
      if (form.get('grant_type') === 'authorization_code') return redeemed(form)
      if (form.get('refresh_token') !== `user-refresh-${grants}`) return oauthError('invalid_grant')
      const scopes = words(form.get('scope') ?? ofUser().join(' '))
      return isExcess(scopes, ofUser()) ? oauthError('invalid_scope') : nextGrant(scopes)
    },
    authorize({ query }) {
      const isWhole =
        query.get('response_type') === 'code' &&
        query.get('client_id') === client.id &&
        query.get('code_challenge_method') === 'S256' &&
        /^[\w-]{43}$/.test(query.get('code_challenge') ?? '')
      if (!isWhole) return refuse('not an authorization request of this client')
      const back = new URL(query.get('redirect_uri') ?? '')
      back.searchParams.set('state', query.get('state') ?? '')
      const code = randomUUID()
      if (isExcess(words(query.get('scope') ?? ''), ofUser())) back.searchParams.set('error', 'invalid_scope')
      else back.searchParams.set('code', code)
      codes.set(code, query)
      return { status: 302, body: {}, headers: { location: back.href } }
    },
  }
}
