import type { GrantCredential } from '../../domain/credential.ts'
import type { Secret } from '../../domain/secret.ts'
import { ownMember, strictObject } from '../../domain/strict-json.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { decodeBase64url } from '../../domain/base64url.ts'

/**
 * Throws `token_refused` where a refresh brought an ID token of another user than the sign-in did (OpenID Connect Core, 12.2). It came from
 * the token endpoint itself, and can only refuse: its signature is not looked at, so that a refresh needs no keys (3.1.3.7, step 6).
 */
export function refuseOtherUser({ connection, request }: GrantCredential, idToken: Secret | undefined): void {
  const [signedIn, came] = [request?.subject, idToken && subjectOf(idToken)]
  if (signedIn === undefined || came === undefined || came === signedIn) return
  throw new GuestpassError(
    'token_refused',
    `Connection ${connection}: the refresh brought tokens of another user than the one who signed in: the sub of its ID token is another. Sign in again, and ask the operator of the upstream how that came.`,
    { reason: 'subject' },
  )
}

/** Undefined for what cannot be read, as an encrypted one. */
function subjectOf(idToken: Secret): unknown {
  try {
    const claims = strictObject(decodeBase64url(idToken.reveal().split('.')[1] ?? ''))
    return claims && ownMember(claims, 'sub')
  } catch {
    return undefined
  }
}
