import type { TokenSet } from '../../domain/credential.ts'
import type { RenewalWindows } from '../../domain/plan.ts'
import { type Instant, SECOND } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Random } from '../../ports/random.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import { isSameIssuer } from '../../upstream/oauth/expected-issuer.ts'
import type { IssuerClock } from '../../verify/issuer-clock.ts'
import { scopesOfClaims } from '../../verify/claims.ts'
import type { KeySource } from '../../verify/keys.ts'
import { type Claims, verdictText, type Reason, type Verifier } from '../../verify/verdict.ts'
import { tokenSet } from './token-set.ts'

interface TokenAcceptorParts {
  readonly connection: string
  /** `jwt`: verified; `opaque`: taken as they are; `auto`: verified when they look like a JWT. */
  readonly format: 'auto' | 'jwt' | 'opaque'
  readonly verifier: Verifier
  readonly keys: Pick<KeySource, 'keys'>
  /** The keys are those of guest tokens, because none of access tokens are known: with `auto`, a JWT that they do not fit is taken as opaque. */
  readonly keysAssumed?: boolean
  readonly issuerClock: IssuerClock
  /** Who must have issued JWTs that say who did; undefined when that is not known. */
  readonly issuer?: () => Promise<string | undefined>
  readonly windows: RenewalWindows
  readonly random: Random
}

/** Accepts access tokens of the service. A token that should verify and does not is given to no caller. */
export interface TokenAcceptor {
  /** Resolves when such tokens as the latest can be verified. Asked before a call whose answer cannot be asked for again. Rejects with `keys_unavailable`. */
  ensureVerifiable(latest: TokenSet | undefined): Promise<void>
  /** Takes the issuer's time from an answer that came just now. Asked once for each answer: later, its Date header would be of the past. */
  observeIssuerTime(answer: Pick<GrantedTokens, 'issuerNow'>): void
  /** The tokens as they are stored. Rejects with `token_refused` and the reason. */
  accept(
    granted: GrantedTokens,
    of: { readonly asked: readonly string[]; readonly sentAt: Instant },
    now: () => Instant,
  ): Promise<TokenSet>
}

interface Judgement {
  readonly expiresAt: Instant
  readonly exp?: Instant
  readonly verified: boolean
  readonly scopes?: readonly string[]
}

/** What is wrong with a token that another key signed than those at hand. */
const OTHER_KEY: ReadonlySet<Reason> = new Set(['unknown_key', 'signature', 'algorithm'])

const REMEDY =
  "Set `hosts.jwksUrl` to the key-set of the OAuth server, and `algorithms` to the algorithms that it signs with. If access tokens are not to be verified, set `accessTokenFormat: 'opaque'`."

/** The longest access token that is used, in characters. */
const LONGEST = 16_384
/** What can stand in a header field (RFC 9110, 5.5). */
const SENDABLE = new RegExp(`^[\\x20-\\x7e]{1,${LONGEST}}$`)

export function createTokenAcceptor(parts: TokenAcceptorParts): TokenAcceptor {
  const { connection, format, issuerClock, random, windows } = parts
  const isLenient = format === 'auto' && parts.keysAssumed === true
  const isJwt = (token: string): boolean =>
    format === 'jwt' || (format === 'auto' && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token))

  /** When the token ends, whether its signature was checked, and the scopes that it names itself: they count more than the answer's. */
  async function judged(granted: GrantedTokens, sentAt: Instant, now: () => Instant): Promise<Judgement> {
    const statedEnd = sentAt + (granted.lifetime ?? 0)
    const token = granted.access.reveal()
    if (!SENDABLE.test(token)) {
      throw new GuestpassError(
        'token_refused',
        `Connection ${connection}: the access token that upstream issued cannot be sent in a header: it is over 16 KiB, or holds other than ASCII characters. Ask the operator of the upstream why it issues such tokens.`,
        { reason: token.length > LONGEST ? 'oversized' : 'malformed' },
      )
    }
    if (!isJwt(token)) return { expiresAt: statedEnd, verified: false }
    const verdict = await parts.verifier.verify(token)
    if (!verdict.valid) {
      if (isLenient && OTHER_KEY.has(verdict.reason)) return { expiresAt: statedEnd, verified: false }
      throw new GuestpassError(
        'token_refused',
        `Connection ${connection}: the access token that upstream issued does not verify (${verdictText(verdict)}). ${REMEDY}`,
        { reason: verdict.reason },
      )
    }
    await refuseForeign(verdict.claims, parts)
    const exp = (verdict.claims['exp'] as number) * SECOND
    const scopes = scopesOfClaims(verdict.claims)
    return {
      expiresAt: Math.min(statedEnd, now() + exp - issuerClock.now()),
      exp,
      verified: true,
      ...(scopes.length === 0 ? {} : { scopes }),
    }
  }

  return {
    async ensureVerifiable(latest) {
      if (format === 'jwt' || (format === 'auto' && latest?.verified === true)) await parts.keys.keys()
    },
    observeIssuerTime: ({ issuerNow }) => issuerClock.observe(issuerNow),
    async accept(granted, { asked, sentAt }, now) {
      const { scopes, ...judgement } = await judged(granted, sentAt, now)
      const named = scopes ? { ...granted, scopes } : granted
      return tokenSet(named, { asked, sentAt, ...judgement }, windows, random.float())
    },
  }
}

/** RFC 9068, section 4. A token that does not say who issued it is judged by its signature alone. */
async function refuseForeign({ iss }: Claims, parts: TokenAcceptorParts): Promise<void> {
  const issuer = await parts.issuer?.()
  if (issuer === undefined || iss === undefined || isSameIssuer(iss, issuer)) return
  throw new GuestpassError(
    'token_refused',
    `Connection ${parts.connection}: the access token that upstream issued is of another issuer: its claim iss is ${JSON.stringify(iss).slice(0, 200)}, and the issuer is ${issuer}. Check \`hosts.issuer\` or \`issuer\`. If access tokens are of another issuer on purpose, set \`accessTokenFormat: 'opaque'\`.`,
    { reason: 'issuer' },
  )
}
