import type { Client } from './clients.ts'
import type { User } from './users.ts'

/** One sign-in and all that was issued from it: everything ends together. */
export interface TokenFamily {
  readonly id: string
  readonly client: Client
  readonly user: User
  /** What the user allowed; a refresh may ask for less, never for more. */
  readonly scopes: readonly string[]
  /** What its access tokens are for, where the client named a resource (RFC 8707). */
  readonly audience?: string | undefined
  /** Milliseconds since the epoch. */
  readonly signedInAt: number
  /** Set once, by a revocation or by proof that a credential was used twice. */
  ended: boolean
}
