import {
  type AccessToken,
  type AccessTokens,
  type GuestApi,
  guestApis,
  GuestpassError,
  type TokenSource,
} from '@guestpass/core'
import { nearest } from '@guestpass/runtime'

/** Which access token: for the calls of an API, or with these scopes. Without either: with the scopes of the configuration. */
export interface AccessTokenRequest {
  readonly for?: GuestApi | undefined
  readonly scopes?: readonly string[] | undefined
}

/** The source of an access token that a program asks for. Throws `invalid_input`. */
export function sourceFor(tokens: AccessTokens, request: unknown): TokenSource {
  if (request === undefined) return tokens
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    throw refused('request', 'is no object', "Give { for: 'engagements' }, { scopes: ['…'] }, or nothing.")
  const { for: api, scopes, ...others } = request as Readonly<Record<string, unknown>>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw refused(unknown.slice(0, 60), 'is not known', 'Give `for` or `scopes`.')
  if (api !== undefined && scopes !== undefined)
    throw refused('scopes', 'stands beside `for`', 'Give one of the two: an API has scopes of its own.')
  if (scopes !== undefined) return tokens.for({ scopes: checkedScopes(scopes) })
  return api === undefined ? tokens : tokens.for(checkedApi(api))
}

const isScope = (value: unknown): boolean => typeof value === 'string' && /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(value)

function checkedScopes(scopes: unknown): readonly string[] {
  if (Array.isArray(scopes) && scopes.length > 0 && scopes.every(isScope)) return scopes as string[]
  throw refused('scopes', 'is no list of scopes', "Give one or more, as ['guest:read'].")
}

function checkedApi(api: unknown): GuestApi {
  const known = guestApis.find((one) => one === api)
  if (known) return known
  const close = typeof api === 'string' ? nearest(api, guestApis) : undefined
  throw refused(
    'for',
    'is no API that issues guests',
    close ? `Did you mean ${close}?` : `APIs are ${guestApis.join(', ')}.`,
  )
}

const refused = (field: string, message: string, remedy: string): GuestpassError =>
  new GuestpassError('invalid_input', `No access token was asked for: ${field} ${message}. ${remedy}`, {
    fields: [{ field, message, remedy }],
  })

/** What a program gets of an access token. */
export type GivenAccessToken = Pick<AccessToken, 'token' | 'expiresAt' | 'scopes' | 'generation'>

export const given = ({ token, expiresAt, scopes, generation }: AccessToken): GivenAccessToken => ({
  token,
  expiresAt,
  scopes,
  generation,
})
