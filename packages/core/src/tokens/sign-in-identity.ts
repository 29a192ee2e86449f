import type { Credential } from '../domain/credential.ts'
import type { Secret } from '../domain/secret.ts'
import { asGuestpassError } from '../errors.ts'
import type { Granted } from '../upstream/granted.ts'
import type { OAuth } from '../upstream/oauth/provider.ts'
import type { Identity } from '../upstream/oauth/wire.ts'
import { type Claims, inWords, type Reason, type Verifier } from '../verify/verdict.ts'
import { refusedSignIn } from './pending-sign-ins.ts'

export interface IdentityParts {
  readonly oauth: OAuth
  /** Checks ID tokens and access tokens. */
  readonly verifier: Verifier
}

export interface IdentityAsk {
  readonly asked: readonly string[]
  readonly nonce?: string
  /** The access token was verified. */
  readonly verified: boolean
  /** The connection belongs to a user: then who signed in must be known. */
  readonly bound: boolean
}

/** What only says that an ID token is of a kind that is not read here. One that was not asked for is then left out. */
const UNREADABLE: ReadonlySet<Reason> = new Set([
  'malformed',
  'oversized',
  'algorithm',
  'critical_header',
  'unknown_key',
])

/**
 * Who signed in: as a verified token says it, else as upstream says; empty when neither does. Rejects with `sign_in_refused`, or with
 * an error that passes by itself: keys that cannot be had, an upstream that cannot be asked.
 */
export async function identityOf(granted: Granted, ask: IdentityAsk, parts: IdentityParts): Promise<Identity> {
  const idClaims = granted.idToken ? await idTokenClaims(granted.idToken, ask, parts) : {}
  const verdict = ask.verified ? await parts.verifier.verify(granted.access.reveal()) : undefined
  const claims = { ...(verdict?.valid ? verdict.claims : {}), ...idClaims }
  const user = claims['sub']
  const organization = claims['org']
  if (typeof user === 'string') return { user, ...(typeof organization === 'string' ? { organization } : {}) }
  return parts.oauth.identity(granted.access).catch((thrown: unknown) => {
    // A busy upstream does not make a stranger of the user to whom the connection belongs.
    if (ask.bound && asGuestpassError(thrown).retryable) throw thrown
    return {}
  })
}

/** OpenID Connect Core, 3.1.3.7. */
async function idTokenClaims(
  idToken: Secret,
  { asked, nonce }: IdentityAsk,
  { oauth, verifier }: IdentityParts,
): Promise<Claims> {
  const verdict = await verifier.verify(idToken.reveal())
  if (!verdict.valid) {
    if (!asked.includes('openid') && UNREADABLE.has(verdict.reason)) return {}
    throw refusedSignIn('nonce', `its ID token does not verify (${inWords(verdict)})`)
  }
  const { aud, nonce: came } = verdict.claims
  if (![aud].flat().includes(oauth.clientId)) throw refusedSignIn('nonce', 'its ID token is for another client')
  if (nonce !== undefined && came !== nonce) throw refusedSignIn('nonce', 'its ID token has another nonce')
  return verdict.claims
}

/** A connection belongs to the user who signed in first. */
export function refuseStranger({ request }: Credential, identity: Identity): void {
  if (request?.['user'] !== undefined && identity.user === undefined)
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
      throw refusedSignIn('identity', `the connection belongs to another ${what} (${String(known)})`)
    }
  }
}
