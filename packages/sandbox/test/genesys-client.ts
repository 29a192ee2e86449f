import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import { onTestFinished } from 'vitest'
import { type Sandbox, type SandboxOptions, sandbox as createSandbox } from '../src/index.ts'

/** 2026-01-01T00:00:00Z: where the clock of a sandbox starts. */
export const START = Date.UTC(2026, 0, 1)

export const GUEST = '6f9619ff-8b86-4d11-b42d-00c04fc964ff'
export const SCOPES = ['webmessaging:guest:send', 'webmessaging:guest:receive']

/**
 * A sandbox whose clock moves only when a test moves it. It is closed when the test ends. ES256 because its
 * keys are made faster.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const started = await createSandbox({ algorithm: 'ES256', now: () => START, ...options })
  onTestFinished(() => started.close())
  return started
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Record<string, unknown>
}

export async function send(sandbox: Sandbox, path: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(`${sandbox.url}${path}`, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parsed(text) }
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

export function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

/** The credentials of the client with a secret. */
export function clientOf({ env }: Sandbox): { id: string; secret: string } {
  return { id: env['GENESYS_CLIENT_ID'] ?? '', secret: env['GENESYS_CLIENT_SECRET'] ?? '' }
}

export function askToken(
  sandbox: Sandbox,
  form: Record<string, string> = {},
  headers: Record<string, string> = { authorization: basic(clientOf(sandbox).id, clientOf(sandbox).secret) },
  path = '/oauth/token',
): Promise<Reply> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...form })
  return send(sandbox, path, { method: 'POST', headers, body })
}

export async function accessToken(sandbox: Sandbox, scope?: string): Promise<string> {
  const reply = await askToken(sandbox, scope === undefined ? {} : { scope })
  return String(reply.json['access_token'])
}

/** Sends a JSON request with an access token: by default a new one. */
export async function post(
  sandbox: Sandbox,
  path: string,
  body: unknown,
  options: { token?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const token = options.token ?? (await accessToken(sandbox))
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...options.headers }
  return send(sandbox, path, { method: 'POST', headers, body: JSON.stringify(body) })
}

export const MINT = '/api/v2/webmessaging/guests/generate-token'

export function mint(sandbox: Sandbox, body: Record<string, unknown> = {}, token?: string): Promise<Reply> {
  const whole = { guestId: GUEST, expirationDurationSeconds: 3600, scopes: SCOPES, ...body }
  return post(sandbox, MINT, whole, token === undefined ? {} : { token })
}

export function refresh(
  sandbox: Sandbox,
  key: string,
  { guest = GUEST, body = {}, token }: { guest?: string; body?: unknown; token?: string } = {},
): Promise<Reply> {
  const path = `/api/v2/conversations/webmessaging/guesttokens/${guest}/refresh`
  return post(sandbox, path, body, { headers: { 'idempotency-key': key }, ...(token !== undefined && { token }) })
}

export function control(sandbox: Sandbox, route: string, body: unknown, headers: Record<string, string> = {}) {
  return send(sandbox, `/__sandbox/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

export async function keySet(sandbox: Sandbox): Promise<JSONWebKeySet> {
  return (await send(sandbox, '/.well-known/jwks.json')).json as unknown as JSONWebKeySet
}

/** Verifies a token with the published keys, and returns its claims. */
export async function verifiedClaims(sandbox: Sandbox, token: unknown, at = START): Promise<Record<string, unknown>> {
  const { payload } = await jwtVerify(String(token), createLocalJWKSet(await keySet(sandbox)), {
    currentDate: new Date(at),
  })
  return payload
}

export function claims(token: unknown): Record<string, unknown> {
  return decodeJwt(String(token))
}

/** The error code of a request that gets no answer. */
export async function failureCode(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => 'answered',
    (reason: unknown) => reason,
  )
  const cause = error instanceof Error ? (error.cause as { code?: string } | undefined) : undefined
  return cause?.code ?? String(error)
}
