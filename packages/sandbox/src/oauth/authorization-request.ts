import type { Answer } from '../endpoint.ts'
import { Refusal } from '../refusal.ts'
import { type Client, isPublic } from './clients.ts'
import { errorPage } from './page.ts'
import { acceptsRedirect } from './redirect-uris.ts'
import { checkedResource } from './resource.ts'
import { userScopes } from './scopes.ts'

/** A valid request for an authorization code: RFC 6749 section 4.1.1 with RFC 7636, S256 only. */
export interface AuthorizationRequest {
  readonly client: Client
  /** The issuer, which the answer names (RFC 9207). */
  readonly issuer: string
  readonly redirectUri: string
  readonly state?: string | undefined
  readonly scopes: readonly string[]
  readonly challenge?: string | undefined
  readonly nonce?: string | undefined
  /** The audience of the access token (RFC 8707). */
  readonly audience?: string | undefined
  /** True if the client wants an answer without a page (`prompt=none`). */
  readonly silent: boolean
}

/** The destination of the answer to an authorization request. */
type Return = Pick<AuthorizationRequest, 'issuer' | 'redirectUri' | 'state'>

/**
 * Reads the query of an authorization request. If client or redirect URI are not valid it refuses with a
 * page, else with a redirect (RFC 6749, section 4.1.2.1).
 */
export function readAuthorizationRequest(
  given: URLSearchParams,
  clients: readonly Client[],
  issuer: string,
): AuthorizationRequest {
  // Empty parameters count as absent (RFC 6749, section 3.1).
  const query = new URLSearchParams([...given].filter(([, value]) => value !== ''))
  const client = clients.find(({ id }) => id === only(query, 'client_id'))
  if (client === undefined) {
    throw pageRefusal('client_id names no application that is registered here. Check the client id.')
  }
  const redirectUri = only(query, 'redirect_uri')
  if (redirectUri === undefined || !acceptsRedirect(client, redirectUri)) {
    throw pageRefusal(`redirect_uri is not an address that the application ${client.id} may send its users to.`)
  }
  const back = { issuer, redirectUri, state: query.get('state') ?? undefined }
  const repeated = [...new Set(query.keys())].find((name) => query.getAll(name).length > 1)
  if (repeated !== undefined) throw redirectRefusal(back, 'invalid_request', `${repeated} is given more than once`)
  assertKind(query, back)
  return {
    ...back,
    client,
    scopes: sentBack('invalid_scope', back, () => userScopes(client, query.get('scope') ?? undefined)),
    challenge: challengeOf(query, client, back),
    nonce: query.get('nonce') ?? undefined,
    audience: sentBack('invalid_target', back, () => checkedResource(query.get('resource') ?? undefined)),
    silent: silentOf(query, back),
  }
}

/** Sends the user back to the application (RFC 6749, section 4.1.2), with `iss` (RFC 9207). */
export function redirect({ issuer, redirectUri, state }: Return, parameters: Readonly<Record<string, string>>): Answer {
  const query = new URLSearchParams({ ...parameters, ...(state !== undefined && { state }), iss: issuer })
  const location = `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query}`
  return { status: 302, headers: { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' } }
}

/** A refusal that the application receives. */
export function redirectRefusal(back: Return, error: string, description: string): Refusal {
  return new Refusal(302, description, () => redirect(back, { error, error_description: description }))
}

function pageRefusal(message: string): Refusal {
  return new Refusal(400, message, () => errorPage(400, 'This sign-in cannot go on', message))
}

function only(query: URLSearchParams, name: string): string | undefined {
  const [value, ...others] = query.getAll(name)
  return others.length === 0 ? value : undefined
}

function assertKind(query: URLSearchParams, back: Return): void {
  const type = query.get('response_type')
  if (type === null) throw redirectRefusal(back, 'invalid_request', 'response_type is missing')
  if (type !== 'code') throw redirectRefusal(back, 'unsupported_response_type', 'response_type is code')
  const mode = query.get('response_mode')
  if (mode !== null && mode !== 'query') throw redirectRefusal(back, 'invalid_request', 'response_mode is query')
}

/** Reads a part of the request. A refusal becomes a redirect to the application with this error. */
function sentBack<T>(error: string, back: Return, read: () => T): T {
  try {
    return read()
  } catch (refusal) {
    throw refusal instanceof Refusal ? redirectRefusal(back, error, refusal.message) : refusal
  }
}

function challengeOf(query: URLSearchParams, client: Client, back: Return): string | undefined {
  const challenge = query.get('code_challenge') ?? undefined
  if (challenge === undefined) {
    if (!isPublic(client) && !query.has('code_challenge_method')) return undefined
    throw redirectRefusal(back, 'invalid_request', 'code_challenge is missing; a client without a secret needs it')
  }
  if (query.get('code_challenge_method') !== 'S256') {
    throw redirectRefusal(back, 'invalid_request', 'code_challenge_method is S256')
  }
  if (!/^[\w-]{43}$/.test(challenge)) {
    throw redirectRefusal(back, 'invalid_request', 'code_challenge is 43 characters of base64url')
  }
  return challenge
}

/**
 * OpenID Connect Core, section 3.1.2.1. A page is shown every time, so that all values but `none` have the
 * same effect.
 */
function silentOf(query: URLSearchParams, back: Return): boolean {
  const prompts = query.get('prompt')?.split(' ') ?? []
  const unknown = prompts.find((value) => !['none', 'login', 'consent', 'select_account'].includes(value))
  if (unknown !== undefined) throw redirectRefusal(back, 'invalid_request', `prompt does not know ${unknown}`)
  const silent = prompts.includes('none')
  if (silent && prompts.length > 1) throw redirectRefusal(back, 'invalid_request', 'prompt=none allows no other value')
  return silent
}
