import type { Secret } from '../domain/secret.ts'
import type { Instant, Millis } from '../domain/time.ts'

/** What an upstream API gave: tokens in our words, not yet checked, not yet stored. */
export interface Granted {
  readonly access: Secret
  /** Absent: the old one, if there is one, stays. */
  readonly refresh?: Secret
  /** From the moment the request was sent; absent where only the token itself says when it ends. */
  readonly lifetime?: Millis
  /** Absent: those that were asked for (RFC 6749, 5.1). */
  readonly scopes?: readonly string[]
  /** The answer's Date header on the issuer's clock; absent when there was none that can be read. */
  readonly issuerNow?: Instant
  readonly status: number
}

/** The moment of a Date header (RFC 9110, 6.6.1), undefined when it is absent or not an IMF-fixdate. */
export function dateOf(headers: Readonly<Record<string, string>>): Instant | undefined {
  const value = headers['date'] ?? ''
  const at = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(value)
    ? Date.parse(value)
    : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
