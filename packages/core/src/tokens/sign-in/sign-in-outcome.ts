import type { Json } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import { type ErrorCode, GuestpassError, type UpstreamFacts } from '../../domain/errors.ts'

/** A sign-in that was completed and stored. */
export interface SignedIn {
  readonly generation: number
  readonly expiresAt: Instant
  readonly scopes: readonly string[]
  /** Asked for and not granted. */
  readonly missing: readonly string[]
  /** Granted and not asked for. */
  readonly excess: readonly string[]
  /** Upstream's id of who signed in, where it is known. */
  readonly user?: string
  readonly organization?: string
  /** False when upstream gave no refresh token: then it lasts as long as the access token. */
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
