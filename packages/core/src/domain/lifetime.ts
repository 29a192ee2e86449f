import { HOUR, type Millis, MINUTE, SECOND } from './time.ts'

/** The shortest access token life that Genesys Cloud grants; assumed when an answer does not say. */
const DEFAULT_LIFETIME: Millis = 5 * MINUTE
/** The longest access token life that Genesys Cloud grants. */
const LONGEST_LIFETIME: Millis = 48 * HOUR

/**
 * The life that an answer states (RFC 6749, 5.1: seconds). Whole or fractional numbers and strings of digits
 * are read; undefined for what is missing, not positive or not a number; more than 48 hours counts as 48
 * hours.
 */
export function statedLifetime(expiresIn: unknown): Millis | undefined {
  const seconds = typeof expiresIn === 'string' && /^\d{1,15}$/.test(expiresIn) ? Number(expiresIn) : expiresIn
  return typeof seconds === 'number' && seconds > 0 ? Math.min(seconds * SECOND, LONGEST_LIFETIME) : undefined
}

/** The life of an access token; 5 minutes where none is stated. */
export const lifetime = (expiresIn: unknown): Millis => statedLifetime(expiresIn) ?? DEFAULT_LIFETIME
