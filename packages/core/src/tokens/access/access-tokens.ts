import type { Context } from '../../domain/context.ts'
import type { Credential, CredentialWithTokens } from '../../domain/credential.ts'
import { tokenEnd, freshness, judgementTime, type RenewalWindows } from '../../domain/plan.ts'
import type { Secret } from '../../domain/secret.ts'
import { type Instant, type Millis, SECOND } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { abortable } from '../../ports/abortable.ts'
import type { Meter } from '../../ports/meter.ts'
import { createExpiringValue, type ExpiringValue } from '../renewal/expiring-value.ts'
import type { Rejections, Resource } from './rejections.ts'
import type { CurrentCredential, Renewal, RenewalPorts } from '../renewal/renewal.ts'
import type { SignInEpoch } from './sign-in-epoch.ts'
import type { GuestApi } from '../../upstream/guest-apis.ts'

/** An access token that is valid now. */
export interface AccessToken {
  readonly token: Secret
  /** When the token expires, in milliseconds since 1970. */
  readonly expiresAt: Instant
  /** The granted scopes. If the upstream did not name them: the requested ones (RFC 6749, 5.1). */
  readonly scopes: readonly string[]
  /** The number of the token: each renewal adds one. */
  readonly generation: number
  /** `active`; `in_doubt` if the answer to a renewal was lost while this token is still valid. */
  readonly status: Credential['status']
}

/** Gives a valid access token to an HTTP client, and renews it. `Connection.accessTokens` is one. */
export interface TokenSource {
  /**
   * Gives a token that is valid now: from memory, from the store, or new. `context.signal` and
   * `context.patienceMs` (default 60 s) end this caller's wait only.
   *
   * Rejects with `deadline_exceeded`, `client_rejected`, `upstream_unavailable`, `upstream_busy`,
   * `scope_missing`, `needs_reauth`, and `store_…`. If the store did not save a new token in time, the error
   * is `in_doubt`, with the token as `unsaved`.
   */
  token(context?: Context): Promise<AccessToken>
  /**
   * Reports that a resource refused the token with 401. If it is the current token, the next call of `token`
   * renews it.
   *
   * `by`: the resource. If it is given, refusals of its origin renew a token at most once in a back-off of 1 s,
   * doubled up to 5 min. An origin that refuses every token then costs few renewals.
   *
   * Returns whether to send the request again. False: `token` would give the same token.
   */
  reportRejected(token: Secret, by?: Resource): boolean | void
  /** Reports that a resource accepted the token. This ends the back-off that refusals of `by` caused. */
  reportAccepted?(token: Secret, by: Resource): void
}

/**
 * The access tokens of a connection: of the signed-in user, else by client credentials. By client credentials
 * each set of scopes has a token of its own. The token of a user serves all scopes.
 */
export interface AccessTokens extends TokenSource {
  /**
   * Gives the source of tokens for the calls of one API, or with the given scopes. For an API the tokens have
   * `ConnectionOptions.scopes`, else the scopes that its calls need. If the client has fewer scopes, give
   * `scopes`. Its `token` rejects with `scope_missing` if a needed scope was not granted.
   */
  for(what: GuestApi | { readonly scopes: readonly string[] }): TokenSource
}

/** Keeps a credential current, and its id. */
export type CredentialSource<C extends Credential = Credential> = Pick<Renewal<C>, 'current'> & {
  readonly id: string
}

interface AccessTokenParts {
  /** The credential that yields the tokens now: a sign-in, or client credentials. Asked when none is at hand. */
  readonly choose: () => Promise<CredentialSource>
  readonly meter: Meter
  readonly windows: RenewalWindows
  /** Of the connection's sign-in, in this process. */
  readonly epoch: SignInEpoch
  /** Shared by all sources that may hand out tokens of one credential. */
  readonly rejections: Rejections
}

/** How long a sign-in, a sign-out or a revocation by another process may go unnoticed. */
const REMEMBERED: Millis = 5 * SECOND

/** What a source keeps between calls. */
interface TokenSourceState extends AccessTokenParts {
  readonly issuerNow: () => Instant
  /** The token while it is fresh. */
  readonly fresh: ExpiringValue<Promise<AccessToken>>
  /** The token until it expires, for the time in which the store cannot be read. */
  readonly valid: ExpiringValue<Promise<AccessToken>>
  latest: (AccessToken & { readonly credentialId: string }) | undefined
  /** The epoch of the sign-in that the tokens in memory are of. */
  rememberedIn: number
  /** The fetch under way. Callers share it, unless they say how long they wait. */
  underway: Promise<AccessToken> | undefined
}

/** A source of access tokens. It keeps a token in memory while it is fresh, and renews it before it expires. */
export function createAccessTokens(
  parts: AccessTokenParts,
  { clock, issuerNow = () => clock.wall() }: Pick<RenewalPorts, 'clock' | 'issuerNow'>,
): TokenSource {
  const { epoch } = parts
  const fresh = createExpiringValue<Promise<AccessToken>>(clock)
  const valid = createExpiringValue<Promise<AccessToken>>(clock)
  const memory = { fresh, valid, latest: undefined, rememberedIn: epoch.value, underway: undefined }
  const source: TokenSourceState = { ...parts, ...memory, issuerNow }
  // Not in `token`, so that a call that is served from memory makes no closure.
  const fetchFor = (context: Context | undefined): Promise<AccessToken> =>
    abortable(() => sharedFetch(source, context), context?.signal)
  return {
    token: (context) => (epoch.value === source.rememberedIn ? fresh.get() : undefined) ?? fetchFor(context),
    reportRejected: (token, by) => rejectToken(source, token, by),
    reportAccepted(token, by) {
      if (isLatest(source, token)) parts.rejections.recordAccepted(source.latest, by)
    },
  }
}

/** Fetches a token, or waits for the fetch that is under way. */
function sharedFetch(source: TokenSourceState, context: Context | undefined): Promise<AccessToken> {
  const isOwn = context?.patienceMs !== undefined
  if (source.underway && !isOwn) return source.underway
  const work = fetchToken(source, context).catch((thrown: unknown) => withoutStore(source, thrown))
  if (isOwn) return work
  const end = (): void => {
    if (source.underway === work) source.underway = undefined
  }
  work.then(end, end)
  return (source.underway = work)
}

/** Gets a token from the store or the upstream, and remembers it. */
async function fetchToken(source: TokenSourceState, context: Context | undefined): Promise<AccessToken> {
  const { rejections } = source
  const begunIn = source.epoch.value
  const { id, current } = await source.choose()
  const newerThan = rejections.newestRejected(id)
  const found = await current({ newerThan, rejected: newerThan >= 0 }, context)
  const { generation } = found.credential
  rejections.recordIssued({ credentialId: id, generation })
  const answer = accessTokenOf(found.credential)
  // The token may have been rejected meanwhile.
  if (generation <= rejections.newestRejected(id)) return answer
  source.latest = { ...answer, credentialId: id }
  source.rememberedIn = begunIn
  remember(source, answer, found)
  return answer
}

function remember(
  { fresh, valid, issuerNow, windows }: TokenSourceState,
  answer: AccessToken,
  { credential: { tokens }, now, elapsed }: CurrentCredential,
): void {
  const [storeNow, byIssuer] = [now + elapsed(), issuerNow()]
  const at = judgementTime(tokens, storeNow, byIssuer)
  const freshFor = freshness(tokens, storeNow, windows, byIssuer) === 'fresh' ? tokens.renewAt - at : 0
  fresh.set(Promise.resolve(answer), Math.min(freshFor, REMEMBERED))
  valid.set(Promise.resolve(answer), tokens.expiresAt - at)
}

/** The token in memory while the store cannot be read, if it is still valid. Throws the error otherwise. */
function withoutStore({ epoch, rememberedIn, valid }: TokenSourceState, thrown: unknown): Promise<AccessToken> {
  const error = asGuestpassError(thrown)
  const inMemory = error.code.startsWith('store_') && epoch.value === rememberedIn ? valid.get() : undefined
  if (inMemory) return inMemory
  throw error.unsaved === undefined ? thrown : withToken(error)
}

type SourceWithLatest = TokenSourceState & { readonly latest: NonNullable<TokenSourceState['latest']> }

const isLatest = (source: TokenSourceState, token: Secret): source is SourceWithLatest =>
  source.latest?.token.reveal() === token.reveal()

/** Forgets a token that a resource rejected, if it is to be renewed. Answers whether to ask for a token again. */
function rejectToken(source: TokenSourceState, token: Secret, by: Resource | undefined): boolean {
  if (!isLatest(source, token)) return true
  if (!source.rejections.shouldRenew(source.latest, by)) return false
  forget(source)
  source.meter.count('access_token_rejected')
  return true
}

function forget(source: TokenSourceState): void {
  source.latest = undefined
  // Callers that come from now on must not get what was fetched before the rejection.
  source.underway = undefined
  source.fresh.clear()
  source.valid.clear()
}

const accessTokenOf = ({ tokens, generation, status }: CredentialWithTokens): AccessToken => ({
  token: tokens.access,
  expiresAt: tokenEnd(tokens),
  scopes: tokens.scopes,
  generation,
  status,
})

/** The error with the token in the caller's terms. */
const withToken = ({ code, message, unsaved, cause }: GuestpassError): GuestpassError =>
  new GuestpassError(code, message, { unsaved: accessTokenOf(unsaved as CredentialWithTokens), cause })
