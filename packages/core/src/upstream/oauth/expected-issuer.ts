/**
 * An answer of a sign-in that is not to be trusted: the claim, or parameter, that fails. The message is a
 * clause.
 */
export class ClaimFault extends Error {
  readonly claim: string

  constructor(claim: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.claim = claim
  }
}

/** What must be true of the answers of a server. */
export interface ExpectedIssuer {
  /** Absent: not known, and then not compared. */
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
