import type { GrantCredential, StoredSignIn } from '../../domain/credential.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { isSameIssuer } from '../../upstream/oauth/expected-issuer.ts'
import type { OAuth } from '../../upstream/oauth/oauth-api.ts'

type Server = Pick<OAuth, 'clientId' | 'issuer'>

/** What the tokens of a sign-in belong to, as it is remembered with them. */
export const bindingOf = ({ clientId, issuer }: Server): Pick<StoredSignIn, 'client' | 'issuer'> => ({
  client: clientId,
  ...(issuer === undefined ? {} : { issuer }),
})

/** Whom the connection belongs to, of what is known of its sign-in. */
export function ownerOf(signIn: StoredSignIn): Pick<StoredSignIn, 'user' | 'organization'> {
  const { granted: _granted, client: _client, issuer: _issuer, subject: _subject, seed: _seed, ...owner } = signIn
  return owner
}

/** What a later sign-in leaves of the facts of a stored one: the seed, and the owner if the issuer is the same. */
export function lastingFacts(
  signIn: StoredSignIn,
  later: 'same-issuer' | 'other-issuer',
): Pick<StoredSignIn, 'user' | 'organization' | 'seed'> {
  const { granted: _granted, client: _client, issuer: _issuer, subject: _subject, ...lasting } = signIn
  if (later === 'same-issuer') return lasting
  const { user: _user, organization: _organization, ...seed } = lasting
  return seed
}

/** Whether the tokens of a sign-in are of another issuer than the one that is set now; false where one of the two is not known. */
export function isOfOtherIssuer({ request }: GrantCredential, { issuer }: Server): boolean {
  const of = request?.issuer
  return of !== undefined && issuer !== undefined && !isSameIssuer(of, issuer)
}

/** Throws `config_invalid` where the tokens are of another issuer: an API of this one must not get an access token of that one either. */
export function refuseOtherIssuer(connection: string, credential: GrantCredential, server: Server): void {
  if (isOfOtherIssuer(credential, server))
    refuse(connection, `at the issuer ${credential.request?.issuer}, not at ${server.issuer}`, 'hosts.issuer')
}

/**
 * Throws `config_invalid` where a refresh token is not of this client and issuer (RFC 6749, 6): another client would only be refused, and
 * another server would get the token.
 */
export function refuseOtherClientOrIssuer(connection: string, credential: GrantCredential, server: Server): void {
  const issuedTo = credential.request?.client
  if (issuedTo !== undefined && issuedTo !== server.clientId)
    refuse(connection, `with the OAuth client ${issuedTo}, not with ${server.clientId}`, 'client.id')
  refuseOtherIssuer(connection, credential, server)
}

function refuse(connection: string, made: string, option: string): never {
  throw new GuestpassError(
    'config_invalid',
    `Connection ${connection}: the sign-in was made ${made}. Nothing was sent. Set \`${option}\` back, or sign in again.`,
  )
}
