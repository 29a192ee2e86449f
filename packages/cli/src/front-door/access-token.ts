import { type AccessToken, type AccessTokens, type GuestApi, guestApis, type TokenSource } from '@guestpass/core'
import { fault, meant, objectOf, refused, unknownMembers } from './arguments.ts'

/** Which access token: for the calls of an API, or with these scopes. Without either: with the scopes of the configuration. */
export interface AccessTokenRequest {
  readonly for?: GuestApi | undefined
  readonly scopes?: readonly string[] | undefined
}

const WHAT = 'No access token was asked for'

/** The source of an access token that a program asks for. Throws `invalid_input`. */
export function sourceFor(tokens: AccessTokens, request: unknown): TokenSource {
  if (request === undefined) return tokens
  const asked = objectOf(request)
  if (!asked)
    throw refused(WHAT, fault('request', 'is no object', "Give { for: 'engagements' }, { scopes: ['…'] }, or nothing."))
  const unknown = unknownMembers(asked, ['for', 'scopes'])
  if (unknown.length > 0) throw refused(WHAT, ...unknown)
  const { for: api, scopes } = asked
  if (api !== undefined && scopes !== undefined)
    throw refused(WHAT, fault('scopes', 'is given beside `for`', 'Give one of the two: an API has scopes of its own.'))
  if (scopes !== undefined) return tokens.for({ scopes: checkedScopes(scopes) })
  return api === undefined ? tokens : tokens.for(checkedApi(api))
}

const isScope = (value: unknown): boolean => typeof value === 'string' && /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(value)

function checkedScopes(scopes: unknown): readonly string[] {
  if (Array.isArray(scopes) && scopes.length > 0 && scopes.every(isScope)) return scopes as string[]
  throw refused(WHAT, fault('scopes', 'is no list of scopes', "Give one or more, as ['guest:read']."))
}

function checkedApi(api: unknown): GuestApi {
  const known = guestApis.find((one) => one === api)
  if (known) return known
  throw refused(WHAT, fault('for', 'is no API that issues guests', meant(api, guestApis)))
}

/** What a program gets of an access token. */
export type GivenAccessToken = Pick<AccessToken, 'token' | 'expiresAt' | 'scopes' | 'generation'>

export const given = ({ token, expiresAt, scopes, generation }: AccessToken): GivenAccessToken => ({
  token,
  expiresAt,
  scopes,
  generation,
})
