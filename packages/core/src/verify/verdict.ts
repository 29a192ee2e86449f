import type { Millis } from '../domain/time.ts'

/** Why a token is not valid. */
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

/** The claims of a token whose signature was checked: a JSON object as issued. */
export type Claims = Readonly<Record<string, unknown>>

/** "No" is an answer, not an accident. Keys that cannot be had are an accident: `keys_unavailable` is thrown. */
export type Verdict =
  | { readonly valid: true; readonly claims: Claims }
  | {
      readonly valid: false
      readonly reason: Reason
      /** Where the reason is `scope`: the scopes that were expected and that the token lacks, sorted as they were expected. */
      readonly missing?: readonly string[]
      /** Where the token names a key that the key-set has and that is not used: why, as a clause. */
      readonly detail?: string
    }

/** The reason of a verdict, and what is known beyond it, as a clause. */
export function verdictText({ reason, missing, detail }: Extract<Verdict, { readonly valid: false }>): string {
  const more = missing ? `it lacks ${missing.join(' ')}` : detail
  return more === undefined ? reason : `${reason}: ${more}`
}

/** What must be true of one token, beyond what holds for all tokens of the verifier. */
export interface Expectations {
  /** The `sub` claim, compared as text. */
  readonly subject?: string
  /** Every one of them must be among the token's scopes, compared whole. */
  readonly scopes?: readonly string[]
  /**
   * The media type that the header must name (`typ`; RFC 8725, section 3.11), as `at+jwt` of access tokens (RFC 9068). Case and a
   * leading `application/` do not count. Default: not looked at.
   */
  readonly type?: string
  /** How long ago it may have expired, in milliseconds. Default: no longer than the leeway of the verifier. */
  readonly graceMs?: Millis
}

/** Checks compact JWS tokens (RFC 7515, RFC 7519, RFC 8725). */
export interface Verifier {
  /** Rejects with `keys_unavailable` when no key can be had at all. */
  verify(token: string, expectations?: Expectations): Promise<Verdict>
}

/** Algorithms that can be asked for. Symmetric ones and `none` are not among them. */
export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

/** All of them. EdDSA is that of Ed25519 (RFC 8037), which tokens may also call `Ed25519` (RFC 9864). */
export const ALGORITHMS: readonly Algorithm[] = ['RS256', 'PS256', 'ES256', 'EdDSA']
