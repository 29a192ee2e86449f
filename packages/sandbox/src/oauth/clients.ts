import { createHash, timingSafeEqual } from 'node:crypto'
import type { JWK } from 'jose'
import type { Call } from '../endpoint.ts'
import { oauthRefusal, type Refusal } from '../refusal.ts'
import type { Form } from './form.ts'

/** An organization: the tenant that owns clients, guests and channels. */
export interface Organization {
  readonly id: string
  readonly name: string
}

/** Finds the client that signed the assertion of a form. Refuses with `invalid_client`. */
export type ClientAssertion = (form: Form, assertion: string) => Promise<Client>

/** A registered OAuth client. Without a secret and keys it is public (RFC 6749, section 2.1). */
export interface Client {
  readonly id: string
  readonly secret?: string | undefined
  /** Public keys: the client signs an assertion in place of a secret. */
  readonly keys?: readonly JWK[] | undefined
  readonly organization: Organization
  /** The scopes that it may request. */
  readonly scopes: readonly string[]
  /** Its registered redirect URIs. */
  readonly redirectUris: readonly string[]
  /**
   * Whether any address of this machine is a redirect URI too: `http://127.0.0.1:…`, `http://localhost:…`.
   */
  readonly loopbackRedirects: boolean
}

export const isPublic = ({ secret, keys }: Client): boolean => secret === undefined && keys === undefined

/**
 * Authenticates clients: by HTTP Basic, by the form, by a signed assertion, or by `client_id` alone if the
 * client is public. Refuses with `invalid_client`.
 */
export function createClientAuthentication(
  clients: readonly Client[],
  asserted: ClientAssertion,
): (call: Call, form: Form) => Promise<Client> {
  const byId = new Map(clients.map((client) => [client.id, client]))
  return async (call, form) => {
    const header = call.headers.authorization
    const { client_id: id, client_secret: secret, client_assertion: assertion } = form
    if ([header, secret, assertion].filter((proof) => proof !== undefined).length > 1) {
      throw oauthRefusal(
        400,
        'invalid_request',
        'authenticate once: by the Authorization header, a secret or an assertion',
      )
    }
    if (assertion !== undefined) return asserted(form, assertion)
    if (header === undefined) return proven(byId, id, secret)
    const client = basicCandidates(header)
      .map(([user, password]) => accepted(byId, user, password))
      .find((found) => found !== undefined)
    if (client === undefined) throw invalidClient()
    if (id !== undefined && id !== client.id) {
      throw oauthRefusal(400, 'invalid_request', 'client_id is not the client of the Authorization header')
    }
    return client
  }
}

function proven(byId: ReadonlyMap<string, Client>, id: string | undefined, secret: string | undefined): Client {
  const client = id === undefined ? undefined : accepted(byId, id, secret)
  if (client === undefined) throw invalidClient()
  return client
}

function accepted(byId: ReadonlyMap<string, Client>, id: string, secret: string | undefined): Client | undefined {
  const client = byId.get(id)
  if (client === undefined) return undefined
  if (isPublic(client)) return secret === undefined || secret === '' ? client : undefined
  if (client.secret === undefined) return undefined
  return secret !== undefined && isSameSecret(secret, client.secret) ? client : undefined
}

/**
 * Id and secret of a Basic header, as sent and form-decoded: clients send either, and RFC 6749, section
 * 2.3.1, the latter.
 */
function basicCandidates(header: string): [string, string][] {
  const [, encoded] = /^basic +(\S+)$/i.exec(header.trim()) ?? []
  const text = Buffer.from(encoded ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return []
  const raw: [string, string] = [text.slice(0, colon), text.slice(colon + 1)]
  return [raw, [formDecoded(raw[0]), formDecoded(raw[1])]]
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

function isSameSecret(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}

/** 401 invalid_client. */
export function invalidClient(why = 'authentication failed'): Refusal {
  return oauthRefusal(401, 'invalid_client', why, { 'www-authenticate': 'Basic realm="sandbox"' })
}
