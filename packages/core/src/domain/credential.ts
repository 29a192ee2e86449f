import type { ErrorCode } from './errors.ts'
import type { Secret } from './secret.ts'
import type { Instant, Millis } from './time.ts'

/**
 * Whether a credential can still yield tokens. `in_doubt`: an answer was lost and a refresh token may be spent.
 * `needs_reauth`: the grant ended. `revoked` and `erased`: ended on purpose.
 */
export type Status = 'active' | 'in_doubt' | 'needs_reauth' | 'revoked' | 'erased'

/** The tokens of one generation. Instants are on the store's clock. */
export interface TokenSet {
  readonly access: Secret
  /** Absent where the grant needs none, as client credentials. */
  readonly refresh?: Secret
  /** The scopes granted, each whole. */
  readonly scopes: readonly string[]
  /** True when signature and claims were checked on receipt; false for opaque tokens. */
  readonly verified: boolean
  /** When the request that brought the tokens was sent. */
  readonly sentAt: Instant
  readonly expiresAt: Instant
  /** The token's own `exp`, on the issuer's clock; absent where the token was not read, and in rows of before. */
  readonly exp?: Instant
  /** When the advisory window begins, jitter included. */
  readonly renewAt: Instant
}

/** A note written before a call that must not be repeated blindly. */
export interface Intent {
  /** Identifies the call to upstream where it takes an Idempotency-Key or a request id: a UUID v4. */
  readonly id: string
  readonly action: 'mint' | 'refresh' | 'create' | 'update' | 'exchange' | 'last_resort'
  /** The process that wrote it. */
  readonly holder: string
  readonly startedAt: Instant
  /** Why another call is made in the place of one that failed for good, without any secret. */
  readonly because?: string
}

/** A failed renewal is not repeated before `until`; all callers of all processes see it. */
export interface BackOff {
  readonly until: Instant
  /** From when it was written until `until`, in milliseconds; absent in rows of before: 5 minutes at most. */
  readonly ms?: Millis
  /** Failures in a row, from 1. */
  readonly failures: number
  readonly code: ErrorCode
  /** What went wrong, without any secret. */
  readonly message: string
}

/** What a guest was asked for, so that it can be asked for again. Nothing secret or personal. */
export type Request = Readonly<Record<string, string | number | boolean | readonly string[]>>

/**
 * Something that can yield valid tokens over time: an access token of the service (`access`), the sign-in of a user
 * (`grant`), or a guest.
 */
export interface Credential {
  /** The tenant wall: the name of the upstream organisation and OAuth client. */
  readonly connection: string
  /** A guest's id, or the key of what shapes an access token. */
  readonly id: string
  readonly kind: 'access' | 'grant' | 'guest'
  /** The upstream API that makes its tokens: `oauth`, `guest-tokens`, … */
  readonly api: string
  /** Stands for the owner in events and audit: random, never an email or a guest id. */
  readonly subject: string
  /** Counts token sets; a write of tokens names the one it replaces. 0: none yet. */
  readonly generation: number
  readonly status: Status
  readonly tokens?: TokenSet
  readonly intent?: Intent
  readonly backOff?: BackOff
  readonly request?: Request
  /** Personal data as JSON (see domain/profile.ts): stored sealed, under a key of its own that erasing destroys. */
  readonly profile?: Secret
  /** The id by which upstream knows its token; absent where that is the id of the guest (see domain/guest-id.ts). */
  readonly upstreamId?: string
  /** Whether another API may have a guest of the same id, in a row of its own. */
  readonly shared?: true
  /** The latest end of any token ever issued for it; absent before the first. */
  readonly aliveUntil?: Instant
  readonly createdAt: Instant
}
