import type { Sandbox } from '../src/index.ts'
import { post, type Reply, send } from './genesys-client.ts'
import { signedIn } from './user-client.ts'

export const EMAIL = 'ann.example@mail.example'
export const GUESTS = '/api/v2/engagements/guests'
export const EXTERNAL_USERS = '/api/v2/externalusers/guests'

type Fields = Readonly<Record<string, unknown>>

/** Creates a guest of the engagements API. A field that is undefined is omitted. */
export function createGuest(
  sandbox: Sandbox,
  fields: Fields = {},
  options?: Parameters<typeof post>[3],
): Promise<Reply> {
  return post(sandbox, GUESTS, { email: EMAIL, consent: true, channelId: sandbox.channelId, ...fields }, options)
}

export function refreshGuest(sandbox: Sandbox, refreshToken: unknown, token?: string): Promise<Reply> {
  return post(sandbox, `${GUESTS}/refresh`, { refreshToken }, token === undefined ? {} : { token })
}

export function get(sandbox: Sandbox, path: string, token: string): Promise<Reply> {
  return send(sandbox, path, { headers: { authorization: `Bearer ${token}` } })
}

export function updateGuest(sandbox: Sandbox, guestId: unknown, body: unknown, token: string): Promise<Reply> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return send(sandbox, `${GUESTS}/${String(guestId)}`, { method: 'PUT', headers, body: JSON.stringify(body) })
}

/** The access token of a user who may make external users, on a sandbox with autoConsent. */
export async function userToken(sandbox: Sandbox, scope = 'webmessaging:guest:create externalusers:write') {
  return (await signedIn(sandbox, { scope })).access
}

/** Status and code of a refusal. */
export const refusalCode = ({ status, json }: Reply): [number, unknown] => [status, json['code']]
