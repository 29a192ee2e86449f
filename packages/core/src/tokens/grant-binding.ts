import type { Credential, Request } from '../domain/credential.ts'
import { GuestpassError } from '../errors.ts'
import { isIssuer } from '../upstream/oauth/expected.ts'
import type { OAuth } from '../upstream/oauth/oauth-api.ts'

type Server = Pick<OAuth, 'clientId' | 'issuer'>

/** What the tokens of a sign-in belong to, as it is remembered with them. */
export const boundTo = ({ clientId, issuer }: Server): Request => ({
  client: clientId,
  ...(issuer === undefined ? {} : { issuer }),
})

/** Whether the tokens of a sign-in are of another issuer than the one that is set now; false where one of the two is not known. */
export function isOfOtherIssuer({ request }: Credential, { issuer }: Server): boolean {
  const of = request?.['issuer']
  return typeof of === 'string' && issuer !== undefined && !isIssuer(of, issuer)
}

/**
 * Throws `config_invalid` where a refresh token is not of this client and issuer (RFC 6749, 6): another client would only be refused, and
 * another server would get the token.
 */
export function refuseOther(connection: string, credential: Credential, server: Server): void {
  const { client: issuedTo, issuer } = credential.request ?? {}
  const refuse = (made: string, variable: string): never => {
    throw new GuestpassError(
      'config_invalid',
      `Connection ${connection}: the sign-in was made ${made}. Nothing was sent. Set ${variable} back, or sign in again.`,
    )
  }
  if (issuedTo !== undefined && issuedTo !== server.clientId)
    refuse(`with the OAuth client ${String(issuedTo)}, not with ${server.clientId}`, 'GENESYS_CLIENT_ID')
  if (isOfOtherIssuer(credential, server))
    refuse(`at the issuer ${String(issuer)}, not at ${server.issuer}`, 'GENESYS_ISSUER')
}
