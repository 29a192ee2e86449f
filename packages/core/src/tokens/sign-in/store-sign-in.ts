import { GRANT_ID } from '../../domain/credential-ids.ts'
import type { CredentialWithTokens, GrantCredential, StoredSignIn, TokenSet } from '../../domain/credential.ts'
import { signInCompleted } from '../../domain/events/sign-ins.ts'
import { tokenEnd } from '../../domain/plan.ts'
import { lackedScopes, missingScopes } from '../../domain/scopes.ts'
import type { Instant } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import type { Change, DocumentWrite } from '../../ports/store.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import type { AccessToken } from '../access/access-tokens.ts'
import type { TokenAcceptor } from '../access/accept-tokens.ts'
import { signInEpoch } from '../access/sign-in-epoch.ts'
import { commitUntilStored, isTransientStoreError, retryWhileTransient } from '../renewal/commit-until-stored.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import { bindingOf, isOfOtherIssuer, lastingFacts } from './grant-binding.ts'
import { type GrantSnapshot, readGrant } from './grant-snapshot.ts'
import { aboutSignIn, type Initiator } from './initiator.ts'
import { type Identified, type IdentityParts, identityOf, refuseOtherIdentity } from './sign-in-identity.ts'
import type { SignedIn } from './sign-in-outcome.ts'

/** What the tokens of a sign-in are checked and stored with. */
export interface StoreSignInParts extends IdentityParts {
  readonly connection: string
  readonly acceptor: TokenAcceptor
  readonly ports: RenewalPorts
}

/** How the tokens of a sign-in were requested. */
interface GrantedSignIn {
  readonly initiator: Initiator
  /** The scopes of the request. */
  readonly asked: readonly string[]
  readonly sentAt: Instant
  readonly now: () => Instant
  /** The grant type: `authorization_code` or `device_code`. */
  readonly grant: string
  /** The nonce that the ID token must have; absent where the request had none. */
  readonly nonce?: string
  /** Makes documents to commit with the tokens. */
  readonly settle?: (signedIn: SignedIn) => Promise<readonly DocumentWrite[]>
}

interface AcceptedSignIn {
  readonly tokens: TokenSet
  readonly identity: Identified
}

/**
 * Checks and stores the tokens of a sign-in. They are given only once, so transient errors (keys or the user's name are not available,
 * the store is busy or full) are retried for as long as the process lives. Rejects with `sign_in_refused` or `token_refused` if the
 * tokens are of another user or fail a check, and revokes them upstream if that is possible. Rejects with `in_doubt` and the access
 * token as `unsaved` if the tokens could not be stored within `unsavedMs`.
 */
export async function storeSignIn(
  parts: StoreSignInParts,
  granted: GrantedTokens,
  of: GrantedSignIn,
): Promise<SignedIn> {
  parts.acceptor.observeIssuerTime(granted)
  try {
    const grant = await currentGrant(parts)
    const accepted = await retrying(parts, () => acceptSignIn(parts, granted, of, grant), isTransient)
    return await commitSignIn(parts, accepted, of, grant)
  } catch (thrown) {
    const error = asGuestpassError(thrown)
    if (error.code !== 'sign_in_refused' && error.code !== 'token_refused') throw unsavedSignIn(error, granted, of)
    await parts.oauth.revoke(granted).catch(() => {})
    throw error
  }
}

const retrying = <T>(
  { connection, ports }: StoreSignInParts,
  work: () => Promise<T>,
  mayPass: (error: GuestpassError) => boolean,
): Promise<T> => retryWhileTransient(ports, { connection, credential: GRANT_ID }, work, mayPass)

const isTransient = (error: GuestpassError): boolean => error.retryable || isTransientStoreError(error)

const currentGrant = (parts: StoreSignInParts): Promise<GrantSnapshot> =>
  retrying(parts, () => readGrant(parts.connection, parts.ports), isTransientStoreError)

/** Verifies the tokens, and finds out who signed in. */
async function acceptSignIn(
  parts: StoreSignInParts,
  granted: GrantedTokens,
  of: GrantedSignIn,
  { credential }: GrantSnapshot,
): Promise<AcceptedSignIn> {
  const received = await parts.acceptor.accept(granted, of, of.now)
  const tokens = granted.refresh ? { ...received, refresh: granted.refresh } : received
  const bound = credential.request?.user !== undefined && !isOfOtherIssuer(credential, parts.oauth)
  const ask = { asked: of.asked, verified: tokens.verified, bound }
  const identity = await identityOf(granted, of.nonce === undefined ? ask : { ...ask, nonce: of.nonce }, parts)
  return { tokens, identity }
}

/** Stores the sign-in over the grant that was read. Reads the grant again if another process has written it. */
async function commitSignIn(
  parts: StoreSignInParts,
  accepted: AcceptedSignIn,
  of: GrantedSignIn,
  first: GrantSnapshot,
): Promise<SignedIn> {
  const { connection, ports } = parts
  for (let grant = first; ; grant = await currentGrant(parts)) {
    const next = nextGrant(parts, grant.credential, accepted)
    const signedIn = signedInAs(next, accepted.identity, of.asked)
    const documents = (await of.settle?.(signedIn).catch(() => [])) ?? []
    const change: Change = {
      connection,
      writes: [{ credential: next, expect: { generation: grant.credential.generation } }],
      documents,
      events: [completed(parts, next, signedIn, of, grant.now())],
    }
    if ((await commitUntilStored(ports, change, GRANT_ID)) === 'conflict') continue
    signInEpoch(ports.store, connection).value += 1
    return signedIn
  }
}

/** The grant with the tokens of a sign-in. Throws `sign_in_refused` if the connection belongs to another user. */
function nextGrant(
  { oauth }: StoreSignInParts,
  credential: GrantCredential,
  { tokens, identity }: AcceptedSignIn,
): CredentialWithTokens<GrantCredential> {
  // Another issuer has other users, and a user there may have the same name.
  const isOther = isOfOtherIssuer(credential, oauth)
  if (!isOther) refuseOtherIdentity(credential, identity)
  const { intent: _over, backOff: _none, request: former = {}, ...rest } = credential
  const lasting = lastingFacts(former, isOther ? 'other-issuer' : 'same-issuer')
  const request: StoredSignIn = { granted: tokens.scopes, ...lasting, ...bindingOf(oauth), ...identity }
  return { ...rest, status: 'active', generation: credential.generation + 1, tokens, request }
}

const signedInAs = (
  { generation, tokens }: CredentialWithTokens<GrantCredential>,
  { subject: _own, ...identity }: Identified,
  asked: readonly string[],
): SignedIn => ({
  generation,
  expiresAt: tokenEnd(tokens),
  scopes: tokens.scopes,
  missing: lackedScopes(asked, tokens.scopes),
  // A request without scopes can get none too many.
  excess: asked.length === 0 ? [] : missingScopes(tokens.scopes, asked),
  renewable: tokens.refresh !== undefined,
  ...identity,
})

function completed(
  { ports }: StoreSignInParts,
  grant: CredentialWithTokens<GrantCredential>,
  { scopes, missing, excess, user }: SignedIn,
  of: GrantedSignIn,
  at: Instant,
) {
  const { verified } = grant.tokens
  const data = { grant: of.grant, scopes, missing, excess, verified, identified: user !== undefined }
  const facts = { id: ports.random.uuid(), at, generation: grant.generation, data }
  return signInCompleted(aboutSignIn(grant, of.initiator), facts)
}

/** The error of tokens that could not be stored, with the access token to use until the next sign-in. */
function unsavedSignIn(
  cause: GuestpassError,
  granted: GrantedTokens,
  { asked, sentAt }: GrantedSignIn,
): GuestpassError {
  const token: AccessToken = {
    token: granted.access,
    expiresAt: Math.floor(sentAt + (granted.lifetime ?? 0)),
    scopes: granted.scopes ?? asked,
    generation: 0,
    status: 'in_doubt',
  }
  const message = `The tokens of the sign-in came, but they could not be stored: ${cause.message} Repair the store, then begin a new sign-in.`
  return new GuestpassError('in_doubt', message, { cause, unsaved: token })
}
