import { GuestpassError } from './errors.ts'
import type { BackOff, Credential, TokenSet } from './credential.ts'
import { guestIdOf } from './guest-id.ts'
import { isInForce, type Instant, isFromFuture, type Millis, MINUTE, NEVER } from './time.ts'

/** How early tokens are renewed. */
export interface Windows {
  /** Callers are served and one renewal runs behind them, from this long before expiry. Default min(lifetime / 3, 5 min). */
  readonly advisory: (lifetime: Millis) => Millis
  /** Callers wait for the renewal, from this long before expiry. Default min(lifetime / 6, 60 s). */
  readonly mandatory: (lifetime: Millis) => Millis
}

export const defaultWindows: Windows = {
  advisory: (lifetime) => Math.min(lifetime / 3, 5 * MINUTE),
  mandatory: (lifetime) => Math.min(lifetime / 6, MINUTE),
}

/** What a caller wants of a credential. */
export interface TokenCriteria {
  /** Only a token of a later generation will do. */
  readonly newerThan?: number
  /** A later generation than `newerThan` is better. The token that there is serves where none can be had. */
  readonly ifPossible?: boolean
  /** Whether its resource rejected the token of `newerThan`: then it has ended, whatever it says itself. */
  readonly rejected?: boolean
  /** Only a later generation than the one that is found first. */
  readonly force?: boolean
  /** Waits for the renewal already in the advisory window. */
  readonly early?: boolean
  /** Rejects when a renewal fails though the token still serves: for a keeper, which has no use for the token. */
  readonly reported?: boolean
}

/** The one thing to do next. */
export type Plan =
  /** Serve these tokens; `renew` says that one renewal should run behind the caller. */
  | { readonly do: 'use'; readonly tokens: TokenSet; readonly renew: boolean }
  /** Wait for a renewal. `stale` are tokens to serve all the same if it fails. */
  | { readonly do: 'renew'; readonly stale?: TokenSet }
  | { readonly do: 'refuse'; readonly error: GuestpassError }

/** The longest back-off, unless upstream asks for a longer wait. */
export const MAX_BACK_OFF: Millis = 5 * MINUTE

/** Whether a renewal that failed is left to rest. */
const isBackingOff = (backOff: BackOff | undefined, now: Instant): boolean =>
  backOff !== undefined && isInForce(backOff.until, backOff.ms ?? MAX_BACK_OFF, now)

/**
 * The moment of the store's clock at which to judge tokens: `now`, or later where less is left until the token's own `exp` by
 * the issuer's clock, because the clock that wrote `expiresAt` was ahead. Early at worst, never late. Only `exp` counts for tokens
 * from the future, and for those that nothing renews: to renew early is no harm, to give up early is one.
 */
export function judgementTime(
  { exp, expiresAt, renewAt, sentAt }: TokenSet,
  now: Instant,
  issuerNow: Instant,
): Instant {
  if (exp === undefined) return now
  const byIssuer = expiresAt - (exp - issuerNow)
  return renewAt === NEVER || isFromFuture(sentAt, now) ? byIssuer : Math.max(now, byIssuer)
}

/** When tokens end, as it is handed out: whole milliseconds, never past the token's own `exp`. */
export const tokenEnd = ({ expiresAt, exp = expiresAt }: Pick<TokenSet, 'expiresAt' | 'exp'>): Instant =>
  Math.floor(Math.min(expiresAt, exp))

export type Freshness = 'fresh' | 'advisory' | 'mandatory' | 'expired'

/**
 * In which window tokens are at `now` of the store's clock. Tokens whose own `exp` has passed by the issuer's clock, which says
 * `issuerNow`, count as expired, and so do those from the future that have none.
 */
export function freshness(tokens: TokenSet, now: Instant, windows: Windows, issuerNow: Instant = now): Freshness {
  const at = judgementTime(tokens, now, issuerNow)
  const isUndated = tokens.exp === undefined && isFromFuture(tokens.sentAt, now)
  if (at >= tokens.expiresAt || isUndated) return 'expired'
  if (at >= tokens.expiresAt - windows.mandatory(tokens.expiresAt - tokens.sentAt)) return 'mandatory'
  return at >= tokens.renewAt ? 'advisory' : 'fresh'
}

/** When the advisory window of new tokens begins; `luck` in [0, 1) puts it up to a fifth of the window later. */
export function renewalTime(sentAt: Instant, expiresAt: Instant, windows: Windows, luck: number): Instant {
  const lifetime = expiresAt - sentAt
  const advisory = windows.advisory(lifetime)
  const mandatory = Math.min(windows.mandatory(lifetime), advisory)
  return expiresAt - Math.max(advisory * (1 - 0.2 * luck), mandatory)
}

/** Decides, from plain data, the one thing to do next. No clock, no network, no randomness. `issuerNow`: see `freshness`. */
export function plan(
  credential: Credential | undefined,
  ask: TokenCriteria,
  now: Instant,
  windows: Windows,
  issuerNow: Instant = now,
): Plan {
  if (!credential) return { do: 'renew' }
  const { status, backOff } = credential
  if (hasEnded(credential)) return { do: 'refuse', error: endedError(credential) }
  const isNewer = credential.generation > (ask.newerThan ?? -1)
  const tokens = isNewer || ask.ifPossible ? credential.tokens : undefined
  const state = tokens ? freshness(tokens, now, windows, issuerNow) : 'expired'
  const isOver =
    !credential.tokens ||
    (ask.rejected === true && !tokens) ||
    freshness(credential.tokens, now, windows, issuerNow) === 'expired'
  // In doubt, what there is serves to its end; then comes the last resort.
  const mayRenew = status === 'active' || (status === 'in_doubt' && isOver)
  const renewable = mayRenew && credential.tokens?.renewAt !== NEVER && !isBackingOff(backOff, now)
  const waits = !isNewer || state === 'mandatory' || (state === 'advisory' && ask.early === true)
  if (tokens && state !== 'expired' && !(waits && renewable)) {
    return { do: 'use', tokens, renew: state !== 'fresh' && renewable }
  }
  if (renewable) return tokens && state !== 'expired' ? { do: 'renew', stale: tokens } : { do: 'renew' }
  if (credential.tokens?.renewAt === NEVER) return { do: 'refuse', error: expiredError(credential) }
  return { do: 'refuse', error: mayRenew ? backOffError(credential) : notRenewableError(credential) }
}

/** Whether a credential was ended on purpose: nothing brings it back. */
export const hasEnded = ({ status }: Credential): boolean => status === 'revoked' || status === 'erased'

export const endedError = ({ kind, status, connection, ...rest }: Credential): GuestpassError =>
  kind === 'guest'
    ? new GuestpassError('guest_revoked', `Guest ${guestIdOf(rest)} was ${status}. Issue a token for a new guest id.`)
    : new GuestpassError('needs_reauth', `Connection ${connection} was signed out. Sign in again.`)

const backOffError = ({ backOff }: Credential): GuestpassError =>
  new GuestpassError(
    backOff?.code ?? 'upstream_unavailable',
    `${backOff?.message ?? 'The last renewal failed.'} Not asked again before ${new Date(backOff?.until ?? 0).toISOString()}.`,
    backOff ? { retryAt: backOff.until } : {},
  )

const expiredError = (guest: Credential): GuestpassError =>
  new GuestpassError(
    'refresh_impossible',
    `Guest ${guestIdOf(guest)}: the ${guest.api} API renews no tokens. Authenticate the guest again.`,
  )

/** What becomes of a credential in doubt. */
export const LATER = 'The token serves to its end; then the refresh is tried once more.'

/** Why a credential that was not ended on purpose can be renewed no more, or not now. */
export function notRenewableError({ status, connection, kind, ...rest }: Credential): GuestpassError {
  const whose = kind === 'guest' ? `Guest ${guestIdOf(rest)}` : `Connection ${connection}`
  const remedy = kind === 'guest' ? 'Authenticate the guest again.' : 'Sign in again.'
  return status === 'in_doubt'
    ? new GuestpassError('in_doubt', `${whose}: the answer to the last refresh was lost. ${LATER}`)
    : new GuestpassError(
        'needs_reauth',
        `${whose}: the sign-in has ended. ${remedy}`,
        kind === 'guest' ? { reason: kind } : {},
      )
}
