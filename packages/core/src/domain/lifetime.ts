import { HOUR, type Millis, MINUTE, SECOND } from './time.ts'

/** The shortest access token life that Genesys Cloud grants; assumed when an answer does not say. */
export const DEFAULT_LIFETIME: Millis = 5 * MINUTE
/** The longest access token life that Genesys Cloud grants. */
export const LONGEST_LIFETIME: Millis = 48 * HOUR

/**
 * The life of a token from `expires_in` (RFC 6749, 5.1: seconds). Whole or fractional numbers and strings of digits are
 * read; what is missing, not positive or not a number counts as 5 minutes; more than 48 hours counts as 48 hours.
 */
export function lifetime(expiresIn: unknown): Millis {
  const seconds = typeof expiresIn === 'string' && /^\d{1,15}$/.test(expiresIn) ? Number(expiresIn) : expiresIn
  if (typeof seconds !== 'number' || !(seconds > 0)) return DEFAULT_LIFETIME
  return Math.min(seconds * SECOND, LONGEST_LIFETIME)
}
