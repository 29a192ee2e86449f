import type { Context } from '../../domain/context.ts'
import type { Credential, CredentialWithTokens } from '../../domain/credential.ts'
import { tokenEnd, freshness, judgementTime, type Windows } from '../../domain/plan.ts'
import type { Secret } from '../../domain/secret.ts'
import { type Instant, type Millis, SECOND } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { abortable } from '../../ports/abortable.ts'
import type { Meter } from '../../ports/meter.ts'
import { createExpiringValue } from '../renewal/expiring-value.ts'
import type { Rejections, Resource } from './rejections.ts'
import type { Renewal, RenewalPorts } from '../renewal/renewal.ts'
import type { SignInEpoch } from './sign-in-epoch.ts'
import type { GuestApi } from '../../upstream/guest-apis.ts'

/** An access token that is valid now. */
export interface AccessToken {
  readonly token: Secret
  readonly expiresAt: Instant
  readonly scopes: readonly string[]
  readonly generation: number
  readonly status: Credential['status']
}

/** Anything that can hand out a currently valid access token. */
export interface TokenSource {
  /**
   * A token that is valid now: from memory, from the store, or new. `signal` and `patienceMs` (default 60 s) end this caller's wait only.
   * Rejects with `deadline_exceeded`, `client_rejected`, `upstream_unavailable`, `upstream_busy`, `scope_missing`, `needs_reauth`, …; with `in_doubt` and
   * the token as `unsaved` when the store did not take it in time.
   */
  token(context?: Context): Promise<AccessToken>
  /**
   * Says that a resource refused the token (401). If exactly this token is current, the next call of `token` renews it. Where `by` says
   * which resource it was, a token is not renewed again for the same origin for a while (1 s, doubled up to 5 min), so that one that
   * refuses every token costs no more of them. Answers whether to ask again; false: it would be with the same token.
   */
  reportRejected(token: Secret, by?: Resource): boolean | void
  /** Says that a resource took the token, which ends what its refusals before led to. */
  reportAccepted?(token: Secret, by: Resource): void
}

/** The service's own access tokens, each set of scopes on a token of its own. A signed-in user's token serves them all. */
export interface AccessTokens extends TokenSource {
  /**
   * The tokens for the calls of one API, or with the scopes named. For an API they have all scopes that its calls need, or those of
   * `ConnectionOptions.scopes` where it names some; a client that holds fewer asks by `scopes`. `token` also rejects with `scope_missing`.
   */
  for(what: GuestApi | { readonly scopes: readonly string[] }): TokenSource
}

/** Keeps a credential current, and its id. */
export type CredentialSource<C extends Credential = Credential> = Pick<Renewal<C>, 'current'> & {
  readonly id: string
}

export interface AccessTokenParts {
  /** The credential that yields the tokens now: a sign-in, or client credentials. Asked when none is at hand. */
  readonly choose: () => Promise<CredentialSource>
  readonly meter: Meter
  readonly windows: Windows
  /** Of the connection's sign-in, in this process. */
  readonly epoch: SignInEpoch
  /** Shared by all sources that may hand out tokens of one credential. */
  readonly rejections: Rejections
}

/** How long a sign-in, a sign-out or a revocation by another process may go unnoticed. */
const REMEMBERED: Millis = 5 * SECOND

/** The service's own access tokens, kept in memory while they are fresh, renewed before they lapse. */
export function createAccessTokens(
  { choose, meter, windows, epoch, rejections }: AccessTokenParts,
  { clock, issuerNow = () => clock.wall() }: Pick<RenewalPorts, 'clock' | 'issuerNow'>,
): TokenSource {
  const memory = createExpiringValue<Promise<AccessToken>>(clock)
  const stillValid = createExpiringValue<Promise<AccessToken>>(clock)
  let latest: (AccessToken & { readonly credentialId: string }) | undefined
  let rememberedIn = epoch.value

  async function fetched(context: Context | undefined): Promise<AccessToken> {
    const begunIn = epoch.value
    const { id, current } = await choose()
    const newerThan = rejections.newestRejected(id)
    const { credential, now, elapsed } = await current({ newerThan, rejected: newerThan >= 0 }, context)
    const { tokens, generation } = credential
    rejections.recordIssued({ credentialId: id, generation })
    const answer = accessTokenOf(credential)
    const [storeNow, byIssuer] = [now + elapsed(), issuerNow()]
    const at = judgementTime(tokens, storeNow, byIssuer)
    const freshFor = freshness(tokens, storeNow, windows, byIssuer) === 'fresh' ? tokens.renewAt - at : 0
    if (generation > rejections.newestRejected(id)) {
      latest = { ...answer, credentialId: id }
      rememberedIn = begunIn
      memory.set(Promise.resolve(answer), Math.min(freshFor, REMEMBERED))
      stillValid.set(Promise.resolve(answer), tokens.expiresAt - at)
    }
    return answer
  }

  /** A store that cannot be asked takes nothing away from a token in hand. */
  const withoutStore = (thrown: unknown): Promise<AccessToken> => {
    const error = asGuestpassError(thrown)
    const inHand = error.code.startsWith('store_') && epoch.value === rememberedIn ? stillValid.get() : undefined
    if (inHand) return inHand
    throw error.unsaved === undefined ? thrown : withToken(error)
  }

  /** What is being fetched. Callers that come meanwhile share its look at the store, unless they say how long they wait. */
  let underway: Promise<AccessToken> | undefined
  function fetching(context: Context | undefined): Promise<AccessToken> {
    const isOwn = context?.patienceMs !== undefined
    if (underway && !isOwn) return underway
    const work = fetched(context).catch(withoutStore)
    if (isOwn) return work
    const end = (): void => {
      if (underway === work) underway = undefined
    }
    work.then(end, end)
    return (underway = work)
  }

  // Apart from `token`, which is then without a closure to be made for each call.
  const asked = (context: Context | undefined): Promise<AccessToken> =>
    abortable(() => fetching(context), context?.signal)

  return {
    token: (context) => (epoch.value === rememberedIn ? memory.get() : undefined) ?? asked(context),
    reportRejected(token, by) {
      if (latest?.token.reveal() !== token.reveal()) return true
      if (!rejections.shouldRenew(latest, by)) return false
      latest = undefined
      // Callers that come from now on must not get what was fetched before the refusal.
      underway = undefined
      memory.clear()
      stillValid.clear()
      meter.count('access_token_rejected')
      return true
    },
    reportAccepted(token, by) {
      if (latest?.token.reveal() === token.reveal()) rejections.recordAccepted(latest, by)
    },
  }
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
