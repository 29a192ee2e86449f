import { type AccessToken, type AccessTokens, type GuestApi, guestApis, type TokenSource } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { checkArgument, fieldFault, type Parameter } from './arguments.ts'

/**
 * Which access token `Guestpass.accessToken` gives. Give one member, or none for a token with the scopes of the
 * configuration.
 */
export interface AccessTokenRequest {
  /** A token for the calls of this API. */
  readonly for?: GuestApi | undefined
  /** A token with these scopes, one or more. */
  readonly scopes?: readonly string[] | undefined
}

const { refined, list, oneOf, object, scope } = schemas

const requestSchema = object<AccessTokenRequest>(
  { for: oneOf(...guestApis), scopes: list(scope, 1, "Give one or more, as ['guest:read'].") },
  { remedy: "Give { for: 'engagements' }, { scopes: ['…'] }, or nothing." },
)

const REQUEST: Parameter = {
  what: 'No access token was asked for',
  name: 'request',
  kind: refined(requestSchema, ({ for: api, scopes }: AccessTokenRequest) =>
    api !== undefined && scopes !== undefined
      ? [fieldFault('scopes', 'cannot be combined with `for`', 'Give one of the two: an API has scopes of its own.')]
      : [],
  ),
}

/** The source of the access token of a request. Throws `invalid_input`. */
export function tokenSourceFor(tokens: AccessTokens, request: AccessTokenRequest | undefined): TokenSource {
  const { for: api, scopes } = checkArgument(REQUEST, request)
  if (scopes !== undefined) return tokens.for({ scopes })
  return api === undefined ? tokens : tokens.for(api)
}

/** An access token, with its expiry in milliseconds since 1970, its scopes and its generation. */
export type AccessTokenResult = Pick<AccessToken, 'token' | 'expiresAt' | 'scopes' | 'generation'>

export const accessTokenResult = ({ token, expiresAt, scopes, generation }: AccessToken): AccessTokenResult => ({
  token,
  expiresAt,
  scopes,
  generation,
})
