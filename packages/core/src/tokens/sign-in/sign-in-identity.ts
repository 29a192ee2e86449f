import type { GrantCredential } from '../../domain/credential.ts'
import { asGuestpassError } from '../../domain/errors.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import type { OAuth } from '../../upstream/oauth/oauth-api.ts'
import type { Identity } from '../../upstream/oauth/wire.ts'
import { type IdTokenParts, idTokenClaims } from './id-token.ts'
import type { Claims } from '../../verify/verdict.ts'
import { refusedSignIn } from './refused-sign-in.ts'

export interface IdentityParts extends IdTokenParts {
  readonly oauth: OAuth
}

/** Who signed in. */
export interface Identified extends Identity {
  /** The `sub` of the ID token, where one came: those of refreshes must name the same. */
  readonly subject?: string
}

interface IdentityAsk {
  readonly asked: readonly string[]
  readonly nonce?: string
  /** The access token was verified. */
  readonly verified: boolean
  /** The connection belongs to a user: then who signed in must be known. */
  readonly bound: boolean
}

/**
 * Who signed in: as a verified token says it, else as upstream says; empty when neither does. Rejects with `sign_in_refused`, or with
 * an error that passes by itself: keys that cannot be had, an upstream that cannot be asked.
 */
export async function identityOf(granted: GrantedTokens, ask: IdentityAsk, parts: IdentityParts): Promise<Identified> {
  const idClaims: Claims = granted.idToken
    ? await idTokenClaims(granted.idToken, { ...ask, access: granted.access }, parts)
    : {}
  const verdict = ask.verified ? await parts.verifier.verify(granted.access.reveal()) : undefined
  const claims = { ...(verdict?.valid ? verdict.claims : {}), ...idClaims }
  const user = claims['sub']
  const organization = claims['org']
  const { sub: subject } = idClaims
  if (typeof user === 'string')
    return {
      user,
      ...(typeof organization === 'string' ? { organization } : {}),
      ...(typeof subject === 'string' ? { subject } : {}),
    }
  return parts.oauth.identity(granted.access).catch((thrown: unknown) => {
    // A busy upstream does not make a stranger of the user to whom the connection belongs.
    if (ask.bound && asGuestpassError(thrown).retryable) throw thrown
    return {}
  })
}

/** A connection belongs to the user who signed in first. */
export function refuseOtherIdentity({ request }: GrantCredential, identity: Identity): void {
  if (request?.user !== undefined && identity.user === undefined)
    throw refusedSignIn(
      'identity',
      'upstream does not say who signed in, and the connection belongs to a user. Allow the OAuth client the scope users:readonly, or have it give an ID token',
    )
  for (const [member, what] of [
    ['organization', 'organisation'],
    ['user', 'user'],
  ] as const) {
    const [known, came] = [request?.[member], identity[member]]
    if (known !== undefined && came !== undefined && known !== came) {
      throw refusedSignIn(
        'identity',
        `the connection belongs to another ${what} (${known}): sign in as that one, or use another connection`,
      )
    }
  }
}
