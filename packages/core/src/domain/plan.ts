import { GuestpassError } from './errors.ts'
import type { BackOff, Credential, TokenSet } from './credential.ts'
import { guestIdOf } from './guest-id.ts'
import { isInForce, type Instant, isFromFuture, type Millis, MINUTE, NEVER } from './time.ts'

/**
 * How early tokens are renewed. Each function takes the lifetime of a token in milliseconds, and returns how
 * many milliseconds before its expiry a window begins.
 */
export interface RenewalWindows {
  /**
   * From this time on, one renewal runs in the background, and callers get the present token. Default:
   * min(lifetime / 3, 5 min).
   */
  readonly advisory: (lifetime: Millis) => Millis
  /** From this time on, callers wait for the renewal. Default: min(lifetime / 6, 60 s). */
  readonly mandatory: (lifetime: Millis) => Millis
}

/**
 * The default windows, in milliseconds before the expiry of a token: advisory min(lifetime / 3, 5 min),
 * mandatory min(lifetime / 6, 60 s).
 */
export const defaultWindows: RenewalWindows = {
  advisory: (lifetime) => Math.min(lifetime / 3, 5 * MINUTE),
  mandatory: (lifetime) => Math.min(lifetime / 6, MINUTE),
}

/** Which tokens of a credential a caller accepts. */
export interface TokenCriteria {
  /** Only a token of a later generation is accepted. */
  readonly newerThan?: number
  /** A later generation than `newerThan` is preferred. The current token is served if there is none. */
  readonly ifPossible?: boolean
  /** Whether a resource rejected the token of `newerThan`: then it counts as ended. */
  readonly rejected?: boolean
  /** Whether the current keys refuse the token of `newerThan`. A renewal records it as its cause. */
  readonly keyGone?: boolean | undefined
  /** Only a later generation than the stored one is accepted. */
  readonly force?: boolean
  /** Waits for the renewal already in the advisory window. */
  readonly early?: boolean
  /** Rejects if a renewal fails although the token is still valid: for a keeper, which needs no token. */
  readonly reported?: boolean
}

/** The next step for a credential. */
export type Plan =
  /** Serve these tokens. `renew`: start one renewal in the background. */
  | { readonly do: 'use'; readonly tokens: TokenSet; readonly renew: boolean }
  /** Wait for a renewal. `stale`: tokens to serve if it fails. */
  | { readonly do: 'renew'; readonly stale?: TokenSet }
  | { readonly do: 'refuse'; readonly error: GuestpassError }

/** The longest back-off of a renewal, unless the upstream asks for a longer one. */
export const MAX_BACK_OFF: Millis = 5 * MINUTE

/** Whether a failed renewal must not be repeated yet. */
const isBackingOff = (backOff: BackOff | undefined, now: Instant): boolean =>
  backOff !== undefined && isInForce(backOff.until, backOff.ms ?? MAX_BACK_OFF, now)

/**
 * The time, on the store's clock, at which tokens are judged. It is later than `now` if the issuer's clock
 * leaves less time until the token's `exp`: the clock that wrote `expiresAt` was ahead. So a token may be
 * renewed early, and is never served late. For tokens from the future, and for those that cannot be renewed,
 * `exp` alone decides.
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

/** The end of tokens as callers see it: whole milliseconds, never after the token's own `exp`. */
export const tokenEnd = ({ expiresAt, exp = expiresAt }: Pick<TokenSet, 'expiresAt' | 'exp'>): Instant =>
  Math.floor(Math.min(expiresAt, exp))

/** The window that tokens are in. */
type Freshness = 'fresh' | 'advisory' | 'mandatory' | 'expired'

/**
 * The window that tokens are in.
 *
 * @param now on the store's clock
 * @param issuerNow on the issuer's clock. Default `now`. Tokens whose `exp` has passed by it are expired, and
 *   so are tokens from the future without `exp`.
 */
export function freshness(
  tokens: TokenSet,
  now: Instant,
  windows: RenewalWindows,
  issuerNow: Instant = now,
): Freshness {
  const at = judgementTime(tokens, now, issuerNow)
  const isUndated = tokens.exp === undefined && isFromFuture(tokens.sentAt, now)
  if (at >= tokens.expiresAt || isUndated) return 'expired'
  if (at >= tokens.expiresAt - windows.mandatory(tokens.expiresAt - tokens.sentAt)) return 'mandatory'
  return at >= tokens.renewAt ? 'advisory' : 'fresh'
}

/**
 * When the advisory window of new tokens begins. `jitter`, from 0 to 1, puts it up to a fifth of the window
 * later.
 */
export function renewalTime(sentAt: Instant, expiresAt: Instant, windows: RenewalWindows, jitter: number): Instant {
  const lifetime = expiresAt - sentAt
  const advisory = windows.advisory(lifetime)
  const mandatory = Math.min(windows.mandatory(lifetime), advisory)
  return expiresAt - Math.max(advisory * (1 - 0.2 * jitter), mandatory)
}

/**
 * Decides the next step from plain data, without clock, network or randomness. `issuerNow`: see `freshness`.
 */
export function plan(
  credential: Credential | undefined,
  ask: TokenCriteria,
  now: Instant,
  windows: RenewalWindows,
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
  // In doubt, the current token is served to its end. Then the last resort follows.
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

/** Whether a credential was ended on purpose: revoked or erased. It never becomes active again. */
export const hasEnded = ({ status }: Pick<Credential, 'status'>): boolean => status === 'revoked' || status === 'erased'

export const endedError = ({ kind, status, connection, ...rest }: Credential): GuestpassError =>
  kind === 'guest'
    ? new GuestpassError('guest_revoked', `Guest ${guestIdOf(rest)} was ${status}. Issue a token for a new guest id.`)
    : new GuestpassError('needs_reauth', `Connection ${connection} was signed out. Sign in again.`)

/** What a stored failure says of the time of the next try. The end of the back-off replaces it. */
const TIMES = / (?:No time is left to wait for another try|Ask again at \S+ or later)\./g

const backOffError = ({ backOff }: Credential): GuestpassError =>
  new GuestpassError(
    backOff?.code ?? 'upstream_unavailable',
    `${(backOff?.message ?? 'The last renewal failed.').replaceAll(TIMES, '')} Not asked again before ${new Date(backOff?.until ?? 0).toISOString()}.`,
    backOff ? { retryAt: backOff.until } : {},
  )

const expiredError = (guest: Credential): GuestpassError =>
  new GuestpassError(
    'refresh_impossible',
    `Guest ${guestIdOf(guest)}: the ${guest.api} API renews no tokens. Authenticate the guest again.`,
  )

/** Why a credential is in doubt, and the next step, for messages. */
export const IN_DOUBT =
  'the refresh token may be spent: the answer to a refresh was lost, or the store was restored. The token is served to its end; then the refresh is tried once more.'

/** The error of a credential that cannot be renewed any more, or not now, and was not ended on purpose. */
export function notRenewableError({ status, connection, kind, ...rest }: Credential): GuestpassError {
  const whose = kind === 'guest' ? `Guest ${guestIdOf(rest)}` : `Connection ${connection}`
  const ended =
    kind === 'guest' ? 'its session has ended. Authenticate the guest again.' : 'the sign-in has ended. Sign in again.'
  return status === 'in_doubt'
    ? new GuestpassError('in_doubt', `${whose}: ${IN_DOUBT}`)
    : new GuestpassError('needs_reauth', `${whose}: ${ended}`, kind === 'guest' ? { reason: kind } : {})
}
