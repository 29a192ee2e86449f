import type { Credential, Request } from '../../domain/credential.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { isSameIssuer } from '../../upstream/oauth/expected-issuer.ts'
import type { OAuth } from '../../upstream/oauth/oauth-api.ts'

type Server = Pick<OAuth, 'clientId' | 'issuer'>

/** What the tokens of a sign-in belong to, as it is remembered with them. */
export const bindingOf = ({ clientId, issuer }: Server): Request => ({
  client: clientId,
  ...(issuer === undefined ? {} : { issuer }),
})

/** Whether the tokens of a sign-in are of another issuer than the one that is set now; false where one of the two is not known. */
export function isOfOtherIssuer({ request }: Credential, { issuer }: Server): boolean {
  const of = request?.['issuer']
  return typeof of === 'string' && issuer !== undefined && !isSameIssuer(of, issuer)
}

/** Throws `config_invalid` where the tokens are of another issuer: an API of this one must not get an access token of that one either. */
export function refuseOtherIssuer(connection: string, credential: Credential, server: Server): void {
  if (isOfOtherIssuer(credential, server))
    refuse(
      connection,
      `at the issuer ${String(credential.request?.['issuer'])}, not at ${server.issuer}`,
      'hosts.issuer',
    )
}

/**
 * Throws `config_invalid` where a refresh token is not of this client and issuer (RFC 6749, 6): another client would only be refused, and
 * another server would get the token.
 */
export function refuseOtherClientOrIssuer(connection: string, credential: Credential, server: Server): void {
  const issuedTo = credential.request?.['client']
  if (issuedTo !== undefined && issuedTo !== server.clientId)
    refuse(connection, `with the OAuth client ${String(issuedTo)}, not with ${server.clientId}`, 'client.id')
  refuseOtherIssuer(connection, credential, server)
}

function refuse(connection: string, made: string, option: string): never {
  throw new GuestpassError(
    'config_invalid',
    `Connection ${connection}: the sign-in was made ${made}. Nothing was sent. Set \`${option}\` back, or sign in again.`,
  )
}
