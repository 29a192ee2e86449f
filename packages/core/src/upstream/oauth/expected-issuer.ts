/**
 * An answer of a sign-in that fails a check. `claim`: the claim or parameter that fails. The message is a
 * clause.
 */
export class ClaimFault extends Error {
  readonly claim: string

  constructor(claim: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.claim = claim
  }
}

/** The issuer that the answers of a server must have. */
export interface ExpectedIssuer {
  /** Absent: it is not known, and is not compared. */
  readonly issuer?: string | undefined
  /** Whether each callback must name the issuer (RFC 9207, 2.3). */
  readonly namesIssuer: boolean
}

/** Whether two issuers are one: the same address, however it is written. */
export function isSameIssuer(one: unknown, other: string): boolean {
  if (one === other) return true
  if (typeof one !== 'string' || !URL.canParse(one) || !URL.canParse(other)) return false
  return new URL(one).href === new URL(other).href
}
