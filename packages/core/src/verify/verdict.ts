import type { Millis } from '../domain/time.ts'

/**
 * Why a token is not valid. `malformed`, `oversized`: its form. `algorithm`, `critical_header`,
 * `unknown_key`, `signature`, `type`: its header and signature. `expired`, `not_yet_valid`, `missing_exp`:
 * its dates. `issuer` (also for the organisation), `audience`, `subject`, `scope`: its claims. `revoked`: it is
 * on the deny-list.
 */
export type Reason =
  | 'malformed'
  | 'oversized'
  | 'algorithm'
  | 'critical_header'
  | 'unknown_key'
  | 'signature'
  | 'type'
  | 'expired'
  | 'not_yet_valid'
  | 'missing_exp'
  | 'issuer'
  | 'audience'
  | 'subject'
  | 'scope'
  | 'revoked'

/** The claims of a verified token (RFC 7519, section 4): a JSON object as issued, deeply frozen. */
export type Claims = Readonly<Record<string, unknown>>

/**
 * The result of a verification: valid with the claims, or not valid with a reason. Unavailable keys are an
 * error instead, with the code `keys_unavailable`.
 */
export type Verdict =
  | { readonly valid: true; readonly claims: Claims }
  | {
      readonly valid: false
      readonly reason: Reason
      /** Where the reason is `scope`: the expected scopes that the token lacks, in their order. */
      readonly missing?: readonly string[]
      /** Where the token names a key of the key-set that is not used: why, as a clause. */
      readonly detail?: string
    }

/** The reason of a verdict, with the missing scopes or the detail, as a clause for messages. */
export function verdictText({ reason, missing, detail }: Extract<Verdict, { readonly valid: false }>): string {
  const more = missing ? `it lacks ${missing.join(' ')}` : detail
  return more === undefined ? reason : `${reason}: ${more}`
}

/** What is expected of one token, beside the options of the verifier. */
export interface Expectations {
  /** The `sub` claim. Default: not checked. */
  readonly subject?: string
  /** Scopes that the token must have, each compared whole. Default: none. */
  readonly scopes?: readonly string[]
  /**
   * The media type that the header must have in `typ`, as `at+jwt` of access tokens (RFC 9068). Case and a
   * leading `application/` do not count. Default: not checked. Source: RFC 8725, section 3.11.
   */
  readonly type?: string
  /** How long ago the token may have expired, in milliseconds. Default: the leeway of the verifier. */
  readonly graceMs?: Millis
}

/** Verifies JWTs in compact JWS form (RFC 7515, RFC 7519, RFC 8725). */
export interface Verifier {
  /**
   * Verifies a token.
   *
   * @param token the text of the token; over 16,384 characters it is `oversized`
   * @param expectations what is expected of this token, beside the options of the verifier
   *
   * Rejects with `keys_unavailable` when there are no keys, and with the error of `denied`.
   */
  verify(token: string, expectations?: Expectations): Promise<Verdict>
}

/**
 * The algorithms that a verifier supports (RFC 7518, section 3.1; RFC 8037). Symmetric ones and `none` are
 * refused.
 */
export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

/** All algorithms. `EdDSA` is that of Ed25519 (RFC 8037), which tokens may also name `Ed25519` (RFC 9864). */
export const ALGORITHMS: readonly Algorithm[] = ['RS256', 'PS256', 'ES256', 'EdDSA']
