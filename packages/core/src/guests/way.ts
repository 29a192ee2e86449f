import type { Credential } from '../domain/credential.ts'
import type { Instant } from '../domain/time.ts'
import type { GuestpassError } from '../errors.ts'
import type { Obtained, Order } from './obtain.ts'

/** How the guests of one API get their next tokens. */
export interface Way {
  /** Throws when the connection cannot offer the API at all. */
  available(): void
  /** The credential to write down before the call, with its intent; undefined: as it stands. Throws when nothing can be renewed. */
  prepare(credential: Credential, now: Instant): Credential | undefined
  /** Asks for the next tokens as the credential's intent says. */
  renew(order: Order): Promise<Obtained>
  /** The credential to write down after a failure that leaves another way, which is then taken; undefined: the failure stands. */
  otherwise(credential: Credential, error: GuestpassError, now: Instant): Credential | undefined
  /** What a failure that stands leaves of the credential. Default: all of it. */
  left?(credential: Credential, error: GuestpassError): Credential
}
