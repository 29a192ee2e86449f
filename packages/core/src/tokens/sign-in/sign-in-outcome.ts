import type { Json } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import { type ErrorCode, GuestpassError, type UpstreamFacts } from '../../domain/errors.ts'

/** A sign-in that was completed and stored. */
export interface SignedIn {
  /** The number of the access token: each renewal and each new sign-in adds one. */
  readonly generation: number
  /** When the access token expires, in milliseconds since 1970. */
  readonly expiresAt: Instant
  /** The granted scopes. If the upstream did not name them: the requested ones (RFC 6749, 5.1). */
  readonly scopes: readonly string[]
  /** Scopes that were requested and not granted. */
  readonly missing: readonly string[]
  /** Scopes that were granted and not requested. */
  readonly excess: readonly string[]
  /** The upstream's id of the user. Absent if it is not known. */
  readonly user?: string
  /** The upstream's id of the organisation. Absent if it is not known. */
  readonly organization?: string
  /** False if the upstream gave no refresh token: the sign-in then ends with the access token. */
  readonly renewable: boolean
}

/** How a sign-in ended, without a secret: as it is stored for a second callback of the same sign-in. */
export type SignInOutcome =
  | { readonly signedIn: SignedIn }
  | {
      readonly failed: {
        readonly code: ErrorCode
        readonly message: string
        readonly reason?: string
        readonly upstream?: UpstreamFacts
      }
    }

export const failedOutcome = ({ code, message, reason, upstream }: GuestpassError): SignInOutcome => ({
  failed: {
    code,
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(upstream ? { upstream } : {}),
  },
})

export const outcomeJson = (outcome: SignInOutcome): Json => JSON.parse(JSON.stringify(outcome)) as Json

/** The answer, or the error, that the first callback got. */
export function replayed(outcome: SignInOutcome): SignedIn {
  if ('signedIn' in outcome) return outcome.signedIn
  const { code, message, ...facts } = outcome.failed
  throw new GuestpassError(code, message, facts)
}
