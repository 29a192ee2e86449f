import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Sandbox } from '../src/index.ts'
import { askToken, type Reply, send } from './genesys-client.ts'

export const CALLBACK = 'http://127.0.0.1:49152/callback'
export const VERIFIER = 'a-verifier-of-the-test-that-is-43-characters-long'
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')

/** Parameters by name. An empty one is omitted. */
export type Parameters = Readonly<Record<string, string>>

const withoutEmpty = (parameters: Parameters) =>
  new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ''))

/** The path of an authorization request of the public client. */
export function authorizePath(sandbox: Sandbox, parameters: Parameters = {}): string {
  const whole = {
    response_type: 'code',
    client_id: sandbox.publicClientId,
    redirect_uri: CALLBACK,
    scope: 'user:read guest:read',
    state: 'st & te',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...parameters,
  }
  return `/oauth/authorize?${withoutEmpty(whole)}`
}

/** Sends an authorization request, and does not follow the redirect. */
export function authorize(
  sandbox: Sandbox,
  parameters?: Parameters,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return send(sandbox, authorizePath(sandbox, parameters), { redirect: 'manual', headers })
}

/** Address and query of a redirect to the application. Checks `iss`, which each has. */
export function redirectOf({ status, headers }: Reply): {
  readonly address: string
  readonly query: Record<string, string>
} {
  expect(status).toBe(302)
  const url = new URL(headers.get('location') ?? expect.fail('no location'))
  const { iss, ...query } = Object.fromEntries(url.searchParams)
  expect(iss).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  return { address: `${url.protocol}//${url.host}${url.pathname}`, query }
}

/** Gets a code, on a sandbox with autoConsent. */
export async function codeFor(sandbox: Sandbox, parameters?: Parameters): Promise<string> {
  return redirectOf(await authorize(sandbox, parameters)).query['code'] ?? expect.fail('no code')
}

export function exchange(
  sandbox: Sandbox,
  code: string,
  form: Parameters = {},
  headers: Record<string, string> = {},
): Promise<Reply> {
  const whole = {
    grant_type: 'authorization_code',
    code,
    code_verifier: VERIFIER,
    client_id: sandbox.publicClientId,
    redirect_uri: CALLBACK,
    ...form,
  }
  return askToken(sandbox, Object.fromEntries(withoutEmpty(whole)), headers, '/api/v2/oauth/token')
}

interface Tokens {
  readonly access: string
  readonly refresh: string
}

export const tokensOf = ({ json }: Reply): Tokens => ({
  access: String(json['access_token']),
  refresh: String(json['refresh_token']),
})

/** Signs in, on a sandbox with autoConsent. */
export async function signedIn(sandbox: Sandbox, parameters?: Parameters): Promise<Tokens> {
  return tokensOf(await exchange(sandbox, await codeFor(sandbox, parameters)))
}

export function refreshSignIn(
  sandbox: Sandbox,
  token: string,
  form: Parameters = {},
  headers: Record<string, string> = {},
): Promise<Reply> {
  const whole = { grant_type: 'refresh_token', refresh_token: token, client_id: sandbox.publicClientId, ...form }
  return askToken(sandbox, Object.fromEntries(withoutEmpty(whole)), headers, '/api/v2/oauth/token')
}

/** The status of GET /api/v2/tokens/me: 200 while the access token is valid. */
export async function accessTokenStatus(sandbox: Sandbox, access: string): Promise<number> {
  return (await send(sandbox, '/api/v2/tokens/me', { headers: { authorization: `Bearer ${access}` } })).status
}

/** Status and error of a refusal. */
export const refusal = ({ status, json }: Reply): [number, unknown] => [status, json['error']]
