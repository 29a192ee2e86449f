import type { Instant, Millis } from '../domain/time.ts'
import { type Field, GuestpassError } from '../errors.ts'
import type { KeySource } from './keys.ts'
import type { Platform } from './platform.ts'
import { type Algorithm, ALGORITHMS } from './verdict.ts'

export interface VerifierOptions {
  readonly keys: KeySource
  /** `nodePlatform()` of `@guestpass/core/node`, or `webPlatform()`; the one whose maker made the keys. */
  readonly platform: Platform
  /** The issuer's time, in milliseconds since the epoch. */
  readonly now: () => Instant
  /** Algorithms that are accepted. Default: RS256 alone. */
  readonly algorithms?: readonly Algorithm[] | undefined
  /** What `iss` must be. Default: not looked at. */
  readonly issuer?: string | undefined
  /** What `aud` must be, or have among its members. Default: not looked at. */
  readonly audience?: string | undefined
  /** The claim that names the issuing organisation, and the id that it must hold. Default: not looked at. */
  readonly organization?: { readonly claim: string; readonly id: string } | undefined
  /** How far the two clocks may be apart when `exp`, `nbf` and `iat` are judged, in milliseconds. Default 5000. */
  readonly leewayMs?: Millis | undefined
  /** Whether the token with this fingerprint was revoked; asked last, about tokens that are valid otherwise. */
  readonly denied?: ((fingerprint: string) => boolean | Promise<boolean>) | undefined
  /** How many checked signatures are remembered; 0 remembers none. Default 10,000. */
  readonly remember?: number | undefined
}

function faultsOf({ algorithms, leewayMs = 0, remember = 0 }: VerifierOptions): readonly Field[] {
  const faults: Field[] = []
  if (algorithms && (algorithms.length === 0 || !algorithms.every((one) => ALGORITHMS.includes(one)))) {
    faults.push({
      field: 'algorithms',
      message: 'names none, or unknown ones',
      remedy: `Use some of ${ALGORITHMS.join(', ')}`,
    })
  }
  if (!Number.isFinite(leewayMs) || leewayMs < 0) {
    faults.push({ field: 'leewayMs', message: 'is not a length of time', remedy: 'Use milliseconds, 0 or more' })
  }
  if (!Number.isInteger(remember) || remember < 0) {
    faults.push({ field: 'remember', message: 'is not a number of tokens', remedy: 'Use a whole number, 0 or more' })
  }
  return faults
}

/** Throws `config_invalid`, naming every option that makes no sense. */
export function checkOptions(options: VerifierOptions): void {
  const fields = faultsOf(options)
  if (fields.length === 0) return
  const said = fields.map(({ field, message, remedy }) => `${field} ${message}. ${remedy}.`).join(' ')
  throw new GuestpassError('config_invalid', `The verifier cannot be made: ${said}`, { fields })
}
