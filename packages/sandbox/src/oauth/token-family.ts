import type { Client } from './clients.ts'
import type { User } from './users.ts'

/** One sign-in with all tokens that were issued from it. They end together. */
export interface TokenFamily {
  readonly id: string
  readonly client: Client
  readonly user: User
  /** The scopes that the user allowed. A refresh may request fewer, but no others. */
  readonly scopes: readonly string[]
  /** The audience of its access tokens, if the client named a resource (RFC 8707). */
  readonly audience?: string | undefined
  /** Milliseconds since the epoch. */
  readonly signedInAt: number
  /** Set once: by a revocation, or when a code or refresh token was used twice. */
  ended: boolean
}
