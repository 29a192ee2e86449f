import { missingScopes, scopeList } from '../domain/scopes.ts'
import { type Instant, type Millis, SECOND } from '../domain/time.ts'
import { ownMember } from '../domain/strict-json.ts'
import type { Claims, Expectations, Reason } from './verdict.ts'

/** What the claims of every token of a verifier must be. */
export interface ClaimRules {
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
  /** The claim that names the organisation and what it must hold. */
  readonly organization?: { readonly claim: string; readonly id: string } | undefined
  /** How far the clocks may be apart, in milliseconds. */
  readonly leewayMs: Millis
}

/**
 * The last second of the year 9999. A later date is a mistake, as milliseconds in place of seconds, and would
 * never expire.
 */
const LAST_SECOND = 253_402_300_799

const ALWAYS = Number.NEGATIVE_INFINITY
const NONE = Number.NEGATIVE_INFINITY

/** A date claim in milliseconds; undefined where it is absent, NaN where it is not a date. */
function dateOf(claims: Claims, name: string): number | undefined {
  if (!Object.hasOwn(claims, name)) return undefined
  const value = claims[name]
  return typeof value === 'number' && value <= LAST_SECOND ? value * SECOND : Number.NaN
}

/** The comparisons are written so that a clock with the time NaN makes every token invalid. */
function timeFault(claims: Claims, leewayMs: Millis, graceMs: Millis, now: Instant): Reason | undefined {
  const expires = dateOf(claims, 'exp')
  const begins = dateOf(claims, 'nbf') ?? ALWAYS
  const issued = dateOf(claims, 'iat') ?? ALWAYS
  if (Number.isNaN((expires ?? 0) + begins + issued)) return 'malformed'
  if (expires === undefined) return 'missing_exp'
  if (!(now < expires + leewayMs || now <= expires + graceMs)) return 'expired'
  return begins <= now + leewayMs && issued <= now + leewayMs ? undefined : 'not_yet_valid'
}

const isAmong = (audience: unknown, wanted: string): boolean =>
  audience === wanted || (Array.isArray(audience) && audience.includes(wanted))

function originFault(claims: Claims, rules: ClaimRules): Reason | undefined {
  const { issuer, audience, organization } = rules
  if (issuer !== undefined && ownMember(claims, 'iss') !== issuer) return 'issuer'
  if (audience !== undefined && !isAmong(ownMember(claims, 'aud'), audience)) return 'audience'
  // The organisation counts as a part of the issuer.
  if (organization && ownMember(claims, organization.claim) !== organization.id) return 'issuer'
  return undefined
}

/**
 * Gives the scopes of a token, from its `scope` claim: a list, or one text separated by spaces or commas. Empty
 * if the token has no such claim.
 *
 * Source: RFC 9068, section 2.2.3; RFC 6749, section 3.3.
 */
export function scopesOfClaims(claims: Claims): readonly string[] {
  const scope = ownMember(claims, 'scope')
  if (typeof scope === 'string') return scopeList(scope)
  return Array.isArray(scope) ? scopeList(scope.filter((one) => typeof one === 'string')) : []
}

/** Those of the given scopes that a token lacks, in their order. */
export const scopesMissingFrom = (claims: Claims, scopes: readonly string[]): readonly string[] =>
  missingScopes(scopes, scopesOfClaims(claims))

function expectationsFault(claims: Claims, expectations: Expectations): Reason | undefined {
  const { subject, scopes } = expectations
  if (subject !== undefined && ownMember(claims, 'sub') !== subject) return 'subject'
  if (!scopes || scopes.length === 0) return undefined
  return scopesMissingFrom(claims, scopes).length === 0 ? undefined : 'scope'
}

/**
 * Why claims are not valid at a moment of the issuer's clock; undefined when they are valid. Dates are JSON
 * numbers of seconds, also with fractions. Other types and dates after the year 9999 are `malformed`. An
 * `iat` in the future is `not_yet_valid`, as an `nbf` is. Another organisation is `issuer`.
 */
export const claimsFault = (
  claims: Claims,
  rules: ClaimRules,
  expectations: Expectations | undefined,
  now: Instant,
): Reason | undefined =>
  timeFault(claims, rules.leewayMs, expectations?.graceMs ?? NONE, now) ??
  originFault(claims, rules) ??
  (expectations && expectationsFault(claims, expectations))
