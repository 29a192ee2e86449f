import type { Secret } from '../../domain/secret.ts'
import { type Instant, SECOND } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import { ClaimFault } from '../../upstream/oauth/expected-issuer.ts'
import type { OAuth } from '../../upstream/oauth/oauth-api.ts'
import { decodeBase64url, encodeBase64url } from '../../domain/base64url.ts'
import { ALGORITHMS, type Claims, verdictText, type Reason, type Verifier } from '../../verify/verdict.ts'
import { refusedSignIn, type SignInReason } from './refused-sign-in.ts'

export interface IdTokenParts {
  readonly oauth: Pick<OAuth, 'checkIdToken' | 'maxAge'>
  /** Checks signature and dates of ID tokens and access tokens. */
  readonly verifier: Verifier
  /** SHA-256 as base64url. */
  readonly digest: (text: string) => Promise<string>
  /** The issuer's time. */
  readonly issuerNow: () => Instant
}

interface IdTokenAsk {
  readonly asked: readonly string[]
  readonly nonce?: string
  /** The access token that came with it. */
  readonly access: Secret
}

/** What only says that an ID token is of a kind that is not read here. One that was not asked for is then left out. */
const UNREADABLE: ReadonlySet<Reason> = new Set([
  'malformed',
  'oversized',
  'algorithm',
  'critical_header',
  'unknown_key',
])

/** What to look at where a new sign-in alone would fail likewise. */
const REMEDIES: Readonly<Partial<Record<Reason, string>>> = {
  algorithm: `Have the provider sign the ID tokens of this client with one of ${ALGORITHMS.join(', ')} that \`algorithms\` allows`,
  unknown_key: 'Check that the key-set of the issuer, or `hosts.jwksUrl`, is right',
  expired: 'Check the clock of the provider',
  not_yet_valid: 'Check the clock of the provider',
}

/** How far the issuer's clock may be from the one of whom it asked, in seconds. */
const LEEWAY = 30

/**
 * The claims of an ID token that is valid for this sign-in (OpenID Connect Core, 3.1.3.7 and 3.1.3.8); empty where it is of a kind that is
 * not read and was not asked for. Rejects with `sign_in_refused` and the claim that fails as its reason.
 */
export async function idTokenClaims(idToken: Secret, ask: IdTokenAsk, parts: IdTokenParts): Promise<Claims> {
  const verdict = await parts.verifier.verify(idToken.reveal())
  if (!verdict.valid) {
    if (!ask.asked.includes('openid') && UNREADABLE.has(verdict.reason)) return {}
    const remedy = REMEDIES[verdict.reason]
    const what = `its ID token does not verify (${verdictText(verdict)})`
    throw refusedSignIn('id_token', remedy === undefined ? what : `${what}. ${remedy}`)
  }
  const { claims } = verdict
  await parts.oauth.checkIdToken(claims, ask.nonce).catch(refuseClaim)
  await checkAccessHash(claims, idToken, ask.access, parts)
  checkAge(claims, parts)
  return claims
}

const reasons: Readonly<Record<string, SignInReason>> = {
  iss: 'issuer',
  aud: 'audience',
  azp: 'azp',
  nonce: 'nonce',
  auth_time: 'auth_time',
  callback: 'upstream',
}

/** A claim that fails, as an error that names it. */
export function refuseClaim(thrown: unknown): never {
  if (!(thrown instanceof ClaimFault)) throw thrown
  throw refusedSignIn(reasons[thrown.claim] ?? 'id_token', thrown.message)
}

/** 3.1.3.8: the left half of the digest of the access token, where the token names it. Digests other than SHA-256 are not made here. */
async function checkAccessHash(
  { at_hash: named }: Claims,
  idToken: Secret,
  access: Secret,
  { digest }: IdTokenParts,
): Promise<void> {
  if (named === undefined || !isOfSha256(idToken)) return
  const half = decodeBase64url(await digest(access.reveal())).slice(0, 16)
  if (named !== encodeBase64url(half)) throw foreignHash()
}

const foreignHash = (): GuestpassError =>
  refusedSignIn('at_hash', 'the at_hash of its ID token is of another access token')

/** By the header of a token that was verified. */
function isOfSha256(token: Secret): boolean {
  const [header = ''] = token.reveal().split('.')
  const { alg } = JSON.parse(new TextDecoder().decode(decodeBase64url(header))) as { readonly alg?: unknown }
  return typeof alg === 'string' && alg.endsWith('256')
}

/** Where `max_age` was sent, the user must have signed in since (3.1.2.1). */
function checkAge({ auth_time: at }: Claims, { oauth: { maxAge }, issuerNow }: IdTokenParts): void {
  if (maxAge === undefined || typeof at !== 'number') return
  if (at + maxAge + LEEWAY >= issuerNow() / SECOND) return
  throw refusedSignIn('auth_time', `the user signed in longer ago than max_age allows (${maxAge} s)`)
}
