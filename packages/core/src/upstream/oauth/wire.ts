import { lifetime } from '../../domain/lifetime.ts'
import { scopeList } from '../../domain/scopes.ts'
import { Secret } from '../../domain/secret.ts'
import type { HttpRequest } from '../../ports/http.ts'
import type { Explain, ReadOptions, AnswerFacts } from '../answer.ts'
import { anything, lenient, object, type Read, type Reader, text } from '../body.ts'
import type { GrantedTokens } from '../granted-tokens.ts'
import { jsonRequest } from '../json-request.ts'
import type { ClientAuthentication } from './client.ts'
import { type ExtraParams, pairsOf } from './params.ts'

/** A client-credentials request (RFC 6749, 4.4.2). */
export const clientCredentialsRequest = (
  tokenUrl: string,
  naming: ClientAuthentication,
  scopes: readonly string[],
  params?: ExtraParams,
): HttpRequest => {
  const scope: Record<string, string> = scopes.length === 0 ? {} : { scope: scopes.join(' ') }
  return tokenRequest(tokenUrl, naming, { grant_type: 'client_credentials', ...scope }, params)
}

/** A refresh of a grant (RFC 6749, 6). */
export function refreshTokenRequest(
  tokenUrl: string,
  naming: ClientAuthentication,
  refreshToken: Secret,
  scopes: readonly string[] = [],
  params?: ExtraParams,
): HttpRequest {
  const scope: Record<string, string> = scopes.length === 0 ? {} : { scope: scopes.join(' ') }
  const members = { grant_type: 'refresh_token', refresh_token: refreshToken.reveal(), ...scope }
  const request = tokenRequest(tokenUrl, naming, members, params)
  return { ...request, secrets: [...request.secrets, refreshToken] }
}

/** The parameters of an authorization request (RFC 6749, 4.1.1; RFC 7636, 4.3). */
export interface AuthorizeRequest {
  readonly redirectUri: string
  readonly scopes: readonly string[]
  readonly state: string
  /** Where an ID token is asked for (OpenID Connect Core, 3.1.2.1). */
  readonly nonce?: string | undefined
  /** The S256 challenge. */
  readonly challenge: string
  /** Free parameters, as `prompt` or `audience`. */
  readonly params?: ExtraParams | undefined
}

export function authorizeUrl(
  endpoint: string,
  clientId: string,
  { redirectUri, scopes, state, nonce, challenge, params }: AuthorizeRequest,
): string {
  const url = new URL(endpoint)
  for (const [name, value] of pairsOf(params)) url.searchParams.append(name, value)
  const members = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    state,
    ...(nonce === undefined ? {} : { nonce }),
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(members)) url.searchParams.set(name, value)
  return url.href
}

/** Seconds as a number or as text. Anything else counts as missing, more than a day as a day. */
function seconds(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && number >= 0 ? Math.min(number, 86_400) : undefined
}

/** An address that a browser opens, and no script or file. */
const page: Reader<string> = (value) =>
  text({ is: (url) => /^https?:\/\//i.test(url) && URL.canParse(url) })(
    typeof value === 'string' ? value.trim() : value,
  )

const deviceMembers = object({
  device_code: text({ most: 4_096 }),
  user_code: text({ is: (value) => /^[\x20-\x7e]{1,64}$/.test(value) }),
  verification_uri: page,
  verification_uri_complete: lenient(page),
  expires_in: seconds,
  interval: seconds,
})

/** RFC 8628, 3.2. Members that are not required and cannot be used are left out. */
export const deviceAnswer: Reader<Read<typeof deviceMembers>> = (answer) => deviceMembers(withVerificationUri(answer))

/** Google and others still use the member name of drafts of RFC 8628. */
function withVerificationUri(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('verification_url' in answer)) return answer
  return { verification_uri: answer.verification_url, ...answer }
}

/** A revocation request (RFC 7009, 2.1). */
export function revocationRequest(
  endpoint: string,
  naming: ClientAuthentication,
  token: Secret,
  kind: 'refresh_token' | 'access_token',
): HttpRequest {
  const request = tokenRequest(endpoint, naming, { token: token.reveal(), token_type_hint: kind })
  return { ...request, secrets: [...request.secrets, token] }
}

/** The platform's own request that ends an access token. */
export const tokenDeletion = (api: string, token: Secret): HttpRequest =>
  jsonRequest('DELETE', `${api}/api/v2/tokens/me`, { bearer: token })

/** Upstream's ids of a user. */
export interface Identity {
  readonly user?: string
  readonly organization?: string
}

/** The platform's own call for the user of a token. */
export const identityRequest = (api: string, token?: Secret): HttpRequest =>
  jsonRequest('GET', `${api}/api/v2/users/me?expand=organization`, { bearer: token })

const id = text({ most: 256 })
export const identityAnswer = object({ id, organization: lenient(object({ id })) })

export const identityOf = ({ id: user, organization }: Read<typeof identityAnswer>): Identity => ({
  user,
  ...(organization ? { organization: organization.id } : {}),
})

function tokenRequest(
  url: string,
  { headers, members: named, secrets }: ClientAuthentication,
  members: Readonly<Record<string, string>>,
  params?: ExtraParams,
): HttpRequest {
  const form = new URLSearchParams([...Object.entries(members), ...Object.entries(named), ...pairsOf(params)])
  return {
    method: 'POST',
    url,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: form.toString(),
    secrets,
  }
}

/**
 * A token answer (RFC 6749, 5.1). Only the access token is required. Other members that cannot be used are
 * left out, because the tokens must be kept.
 */
export const tokenAnswer = object({
  access_token: text(),
  expires_in: anything,
  refresh_token: lenient(text()),
  scope: anything,
  id_token: lenient(text()),
})

/** How answers of the token endpoint are read: with any content type, and as an error whatever the status. */
export const tokenReading = (explain: Explain): ReadOptions => ({
  explain,
  anyType: true,
  errorUnless: 'access_token',
})
/** How answers of the device authorization endpoint are read. */
export const deviceReading = (explain: Explain): ReadOptions => ({
  explain,
  anyType: true,
  errorUnless: 'device_code',
})
/** How answers of the revocation endpoint are read (RFC 7009, 2.2.1). */
export const revocationReading = (explain: Explain): ReadOptions => ({ explain, errorUnless: '' })

/** The scopes of an answer, as text or as a list; undefined when it names none. */
function scopesIn(scope: unknown): readonly string[] | undefined {
  const named =
    typeof scope === 'string' ? scope : Array.isArray(scope) ? scope.filter((one) => typeof one === 'string') : []
  const scopes = scopeList(named)
  return scopes.length === 0 ? undefined : scopes
}

export function grantedOf(body: Read<typeof tokenAnswer>, receipt: AnswerFacts): GrantedTokens {
  const scopes = scopesIn(body.scope)
  return {
    ...receipt,
    access: new Secret(body.access_token),
    lifetime: lifetime(body.expires_in),
    ...(body.refresh_token ? { refresh: new Secret(body.refresh_token) } : {}),
    ...(body.id_token ? { idToken: new Secret(body.id_token) } : {}),
    ...(scopes ? { scopes } : {}),
  }
}

/**
 * Code and message of refusals by a token endpoint (RFC 6749, 5.2). They count whatever the status, except
 * those of a busy server (429, 503), which is asked again, and of a gateway that ran out of time (504).
 */
export const explainToken: Explain = ({ status, code, message }) => {
  if (status === 429 || status === 503 || status === 504 || code === 'temporarily_unavailable') return undefined
  const said = message === '' || message === code ? '' : ` (${message})`
  // What a failing server says ends no sign-in.
  if (code === 'invalid_grant' && status >= 500) return undefined
  if (code === 'invalid_grant') return { code: 'needs_reauth', message: `the sign-in has ended${said}. Sign in again` }
  if (code === 'invalid_scope') {
    return {
      code: 'scope_missing',
      message: `upstream does not grant the scopes asked for${said}. Check \`scopes\` against the OAuth client`,
    }
  }
  if (code === 'invalid_target') {
    return {
      code: 'upstream_rejected',
      message: `upstream does not know the resource or audience that was asked for${said}. Check \`tokenParams\` and \`authorizeParams\``,
    }
  }
  if (code === 'unauthorized_client' || code === 'unsupported_grant_type') {
    return { code: 'access_denied', message: `the OAuth client may not use this grant${said}. Check its grant type` }
  }
  if (code === 'invalid_request' && status >= 500)
    return { code: 'upstream_rejected', message: `upstream finds the request not valid${said || ' (invalid_request)'}` }
  if (status === 404 || status === 405)
    return {
      code: 'upstream_rejected',
      message: `upstream has no such endpoint${said}. Check \`hosts.oauthBaseUrl\`, or the region`,
    }
  if (code === 'invalid_client' || status === 401) {
    return {
      code: 'client_rejected',
      message: `upstream refused the client id or secret${said}`,
    }
  }
  return undefined
}

/**
 * The refusals of a refresh. A 401 that is no error of OAuth may be of the client or of the refresh token:
 * some servers answer so for both. It ends no sign-in, because only `invalid_grant` is definite.
 */
export const explainRefresh: Explain = (refusal) => {
  const explained = explainToken(refusal)
  if (refusal.status !== 401 || refusal.code === 'invalid_client' || explained?.code !== 'client_rejected')
    return explained
  const { code, message } = refusal
  const said = [code, message].filter((part) => part !== '').join(': ')
  return {
    code: 'client_rejected',
    message: `upstream does not say whether the OAuth client or the sign-in is at fault${said === '' ? '' : ` (${said})`}. Either the client id or secret is wrong: check \`client.id\`, \`client.secret\` and the region. Or the sign-in has ended: sign in again`,
  }
}

/** The refusals of a code exchange. `invalid_grant` is about the code, not about a sign-in. */
export const explainExchange: Explain = (refusal) =>
  refusal.code === 'invalid_grant'
    ? {
        code: 'sign_in_refused',
        message: `upstream does not take the code${refusal.message === '' ? '' : ` (${refusal.message})`}: it was used before, has expired, or is of another sign-in. Begin a new one`,
      }
    : explainToken(refusal)

/**
 * The refusals of a device token request (RFC 8628, 3.5). Two of them say that the user has not decided yet.
 */
export const explainDevice: Explain = (refusal) => {
  const { code } = refusal
  if (code === 'authorization_pending' || code === 'slow_down')
    return { code: 'upstream_rejected', message: `the user has not decided yet (${code})` }
  if (code === 'access_denied') return { code: 'sign_in_denied', message: 'the user denied it' }
  if (code === 'expired_token' || code === 'invalid_grant')
    return { code: 'sign_in_refused', message: 'the user did not decide in time. Begin a new sign-in' }
  return explainToken(refusal)
}
