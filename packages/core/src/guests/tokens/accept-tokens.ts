import type { GuestCredential, GuestWithTokens, TokenSet } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { tokenEnd, type RenewalWindows } from '../../domain/plan.ts'
import { type Instant, HOUR, type Millis, NEVER, SECOND } from '../../domain/time.ts'
import { lifetime } from '../../domain/lifetime.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Meter } from '../../ports/meter.ts'
import type { Random } from '../../ports/random.ts'
import type { IssuedToken } from '../../ports/store.ts'
import { tokenSet } from '../../tokens/access/token-set.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import { scopesOfClaims } from '../../verify/claims.ts'
import type { IssuerClock } from '../../verify/issuer-clock.ts'
import type { KeySource } from '../../verify/keys.ts'
import { type Claims, verdictText, type Verifier } from '../../verify/verdict.ts'

export interface TokenAcceptorParts {
  readonly verifier: Verifier
  readonly keys: Pick<KeySource, 'keys'>
  readonly issuerClock: IssuerClock
  /** Identifies a token without holding it. */
  readonly fingerprint: (token: string) => Promise<string>
  readonly windows: RenewalWindows
  readonly meter: Meter
  readonly random: Random
}

/** What a token must be, and when it was requested. */
export interface TokenRequirements {
  /** The `sub` that the token must carry. */
  readonly subject: string
  readonly scopes: readonly string[]
  /** `jwt`: it is verified. `opaque`: it is accepted unread. */
  readonly format: 'jwt' | 'opaque'
  readonly sentAt: Instant
  /** Whether the upstream renews such tokens. */
  readonly renewable: boolean
}

export interface AcceptedTokens {
  readonly credential: GuestWithTokens
  /** Empty for an opaque token. */
  readonly claims: Claims
  readonly issued: readonly IssuedToken[]
}

/** Accepts the tokens of guests: no caller gets a JWT before it was verified. */
export interface TokenAcceptor {
  /**
   * Resolves when tokens can be verified. Await it before a call that is answered only once. Rejects with
   * `keys_unavailable`.
   */
  ensureVerifiable(format: TokenRequirements['format']): Promise<void>
  /**
   * Gives the credential with the granted tokens. Rejects with `token_refused` and the reason, or with
   * `keys_unavailable`.
   */
  accept(
    credential: GuestCredential,
    granted: GrantedTokens,
    requirements: TokenRequirements,
    now: () => Instant,
  ): Promise<AcceptedTokens>
}

/** Clocks differ: a verifier may still accept a token for some time after it expired. */
const AFTERLIFE: Millis = HOUR

/**
 * Until when a token is remembered: it can be denied as long as a verifier, which reads its `exp`, could
 * accept it.
 */
export const rememberedUntil = ({ expiresAt, exp = expiresAt }: TokenSet): Instant =>
  Math.max(expiresAt, exp) + AFTERLIFE

export function createTokenAcceptor(parts: TokenAcceptorParts): TokenAcceptor {
  const { issuerClock, meter, random, windows } = parts

  async function verified(
    guest: GuestCredential,
    { access }: GrantedTokens,
    { subject, scopes }: TokenRequirements,
  ): Promise<Claims> {
    const verdict = await parts.verifier.verify(access.reveal(), { subject, scopes })
    if (verdict.valid) return verdict.claims
    meter.count('guest_token_refused')
    throw new GuestpassError(
      'token_refused',
      `The upstream issued a token for guest ${guestIdOf(guest)} that does not verify (${verdictText(verdict)}). It was dropped. ${remedy(verdict.reason)}`,
      { reason: verdict.reason },
    )
  }

  return {
    async ensureVerifiable(format) {
      if (format === 'jwt') await parts.keys.keys()
    },
    async accept(credential, granted, requirements, now) {
      issuerClock.observe(granted.issuerNow)
      const claims = requirements.format === 'jwt' ? await verified(credential, granted, requirements) : undefined
      const grantedUntil =
        requirements.sentAt + (granted.lifetime ?? (claims ? Number.POSITIVE_INFINITY : lifetime(undefined)))
      const exp = claims && (claims['exp'] as number) * SECOND
      const expiresAt = Math.min(grantedUntil, exp === undefined ? grantedUntil : now() + exp - issuerClock.now())
      const asked = requirements.scopes.length > 0 || !claims ? requirements.scopes : scopesOfClaims(claims)
      const times = { sentAt: requirements.sentAt, expiresAt, ...(exp === undefined ? {} : { exp }) }
      const of = { asked, verified: claims !== undefined, ...times }
      const refresh = granted.refresh ?? credential.tokens?.refresh
      const tokens = tokenSet({ ...granted, ...(refresh ? { refresh } : {}) }, of, windows, random.float())
      const fingerprint = await parts.fingerprint(granted.access.reveal())
      return {
        credential: {
          ...credential,
          tokens: requirements.renewable ? tokens : { ...tokens, renewAt: NEVER },
          aliveUntil: Math.max(credential.aliveUntil ?? 0, tokenEnd(tokens)),
        },
        claims: claims ?? {},
        issued: [{ credential: credential.id, fingerprint, expiresAt: rememberedUntil(tokens) }],
      }
    },
  }
}

const remedy = (reason: string): string =>
  reason === 'unknown_key' || reason === 'signature' || reason === 'algorithm'
    ? 'Check `hosts.jwksUrl` or `publicKey`, and `algorithms`.'
    : 'Ask the operator of the upstream why it issues such tokens.'
