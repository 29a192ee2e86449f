import { GRANT_ID } from '../../domain/credential-ids.ts'
import {
  type CredentialWithTokens,
  type GrantCredential,
  grantIn,
  type StoredSignIn,
  type TokenSet,
} from '../../domain/credential.ts'
import type { About } from '../../domain/events/event-parts.ts'
import { signInCompleted } from '../../domain/events/sign-ins.ts'
import { tokenEnd } from '../../domain/plan.ts'
import { lackedScopes, missingScopes } from '../../domain/scopes.ts'
import type { Instant } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { DocumentWrite } from '../../ports/store.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import type { AccessToken } from '../access/access-tokens.ts'
import { bindingOf, isOfOtherIssuer, kept } from './grant-binding.ts'
import { blankGrant } from './blank-grant.ts'
import { commitUntilStored, isTransientStoreError, retryWhileTransient } from '../renewal/commit-until-stored.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import type { TokenAcceptor } from '../access/accept-tokens.ts'
import { signInEpoch } from '../access/sign-in-epoch.ts'
import { type Identified, type IdentityParts, identityOf, refuseOtherIdentity } from './sign-in-identity.ts'
import type { SignedIn } from './sign-in-outcome.ts'

export interface StoreSignInParts extends IdentityParts {
  readonly connection: string
  readonly acceptor: TokenAcceptor
}

/** How tokens of a sign-in came. */
export interface GrantedSignIn {
  readonly asked: readonly string[]
  readonly sentAt: Instant
  readonly now: () => Instant
  /** How it was granted: `authorization_code`, `device_code`. */
  readonly grant: string
  readonly nonce?: string
  /** What the event of the sign-in shares with the others of its request. */
  readonly about: (credential: GrantCredential) => About
  /** Documents to commit with the tokens. */
  readonly settled?: (signedIn: SignedIn) => Promise<readonly DocumentWrite[]>
}

/** The grant as it stands, and the store's time, counted on. */
export interface GrantSnapshot {
  readonly credential: GrantCredential
  readonly now: () => Instant
}

export async function readGrant(connection: string, { store, clock, random }: RenewalPorts): Promise<GrantSnapshot> {
  const elapsed = stopwatch(clock)
  const found = await store.find(connection, GRANT_ID)
  const now = (): Instant => found.now + elapsed()
  return { credential: grantIn(found) ?? blankGrant(connection, random.uuid(), found.now), now }
}

interface Judged {
  readonly tokens: TokenSet
  readonly identity: Identified
}

/**
 * Stores tokens that a sign-in brought. They cannot be asked for again, so trouble that passes (keys or the user's name cannot be had, the
 * store is busy or full) is waited out for as long as the process lives. Rejects with `sign_in_refused` or `token_refused` if they
 * are a stranger's, and revokes them upstream as far as that can be done; with `in_doubt` and the access token as `unsaved` if `unsavedMs`
 * are over before they could be stored.
 */
export function createSignInStorage(parts: StoreSignInParts, ports: RenewalPorts) {
  const { connection, oauth } = parts
  const epoch = signInEpoch(ports.store, connection)
  const current = (): Promise<GrantSnapshot> =>
    retryWhileTransient(
      ports,
      { connection, credential: GRANT_ID },
      () => readGrant(connection, ports),
      isTransientStoreError,
    )

  async function judged(granted: GrantedTokens, of: GrantedSignIn, { credential }: GrantSnapshot): Promise<Judged> {
    const received = await parts.acceptor.accept(granted, of, of.now)
    const tokens = granted.refresh ? { ...received, refresh: granted.refresh } : received
    const bound = credential.request?.user !== undefined && !isOfOtherIssuer(credential, oauth)
    const ask = { asked: of.asked, verified: tokens.verified, bound }
    const identity = await identityOf(granted, of.nonce === undefined ? ask : { ...ask, nonce: of.nonce }, parts)
    return { tokens, identity }
  }

  async function stored({ tokens, identity }: Judged, of: GrantedSignIn, first: GrantSnapshot): Promise<SignedIn> {
    for (let at = first; ; at = await current()) {
      const { credential, now } = at
      // Another issuer has other users, by the same names too.
      const isSameIssuer = !isOfOtherIssuer(credential, oauth)
      if (isSameIssuer) refuseOtherIdentity(credential, identity)
      const next = successor(credential, tokens, {
        ...kept(credential.request ?? {}, isSameIssuer),
        ...bindingOf(oauth),
        ...identity,
      })
      const signedIn = signedInAs(next, identity, of.asked)
      const { scopes, missing, excess } = signedIn
      const { verified } = tokens
      const data = { grant: of.grant, scopes, missing, excess, verified, identified: identity.user !== undefined }
      const documents = (await of.settled?.(signedIn).catch(() => [])) ?? []
      const change = {
        connection,
        writes: [{ credential: next, expect: { generation: credential.generation } }],
        documents,
        events: [
          signInCompleted(of.about(next), { id: ports.random.uuid(), at: now(), generation: next.generation, data }),
        ],
      }
      const outcome = await commitUntilStored(ports, change, GRANT_ID)
      if (outcome === 'conflict') continue
      epoch.value += 1
      return signedIn
    }
  }

  return async (granted: GrantedTokens, of: GrantedSignIn): Promise<SignedIn> => {
    parts.acceptor.observeIssuerTime(granted)
    try {
      const first = await current()
      const judgement = await retryWhileTransient(
        ports,
        { connection, credential: GRANT_ID },
        () => judged(granted, of, first),
        isPassing,
      )
      return await stored(judgement, of, first)
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      if (error.code !== 'sign_in_refused' && error.code !== 'token_refused') throw unsaved(error, granted, of)
      await oauth.revoke(granted).catch(() => {})
      throw error
    }
  }
}

const isPassing = (error: GuestpassError): boolean => error.retryable || isTransientStoreError(error)

/** Tokens that came and could not be stored, with the one to use meanwhile. */
function unsaved(cause: GuestpassError, granted: GrantedTokens, { asked, sentAt }: GrantedSignIn): GuestpassError {
  const token: AccessToken = {
    token: granted.access,
    expiresAt: Math.floor(sentAt + (granted.lifetime ?? 0)),
    scopes: granted.scopes ?? asked,
    generation: 0,
    status: 'in_doubt',
  }
  const message = `The tokens of the sign-in came, but they could not be stored: ${cause.message} Begin a new sign-in when that is mended.`
  return new GuestpassError('in_doubt', message, { cause, unsaved: token })
}

/** The grant with the tokens of a sign-in. */
function successor(
  credential: GrantCredential,
  tokens: TokenSet,
  about: StoredSignIn,
): CredentialWithTokens<GrantCredential> {
  const { intent: _over, backOff: _none, request: _former, ...rest } = credential
  const request: StoredSignIn = { granted: tokens.scopes, ...about }
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
  // Nothing that came is too much where nothing was asked for.
  excess: asked.length === 0 ? [] : missingScopes(tokens.scopes, asked),
  renewable: tokens.refresh !== undefined,
  ...identity,
})
