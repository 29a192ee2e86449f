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

/** The members of every kind of credential. */
export interface CredentialBase {
  /** The tenant wall: the name of the upstream organisation and OAuth client. */
  readonly connection: string
  /** A guest's id, or the key of what shapes an access token. */
  readonly id: string
  /** The upstream API that makes its tokens: `oauth`, `guest-tokens`, … */
  readonly api: string
  /** Names the owner in events and audit: random, never an email or a guest id. */
  readonly subject: string
  /** Counts token sets; a write of tokens names the one it replaces. 0: none yet. */
  readonly generation: number
  readonly status: Status
  readonly tokens?: TokenSet
  readonly intent?: Intent
  readonly backOff?: BackOff
  /** The latest end of any token ever issued for it; absent before the first. */
  readonly aliveUntil?: Instant
  readonly createdAt: Instant
}

/** An access token of the service itself, by client credentials (RFC 6749, 4.4). */
export interface AccessCredential extends CredentialBase {
  readonly kind: 'access'
}

/** What is known of a sign-in besides its tokens. Nothing of it is secret. */
export type StoredSignIn = {
  /** The scopes that the sign-in granted; empty where upstream did not say. */
  readonly granted?: readonly string[]
  /** The OAuth client that the tokens were issued to. */
  readonly client?: string
  /** The issuer of the tokens. */
  readonly issuer?: string
  /** The upstream's ids of the user who signed in, and of the organisation. The connection belongs to them. */
  readonly user?: string
  readonly organization?: string
  /** The `sub` of the ID token of the sign-in. */
  readonly subject?: string
  /** SHA-256 of the refresh token that the grant was begun with, where that came from the configuration. */
  readonly seed?: string
}

/** The sign-in of a user: a grant that access tokens are renewed from (RFC 6749, 6). */
export interface GrantCredential extends CredentialBase {
  readonly kind: 'grant'
  readonly request?: StoredSignIn
}

/**
 * How sure the caller is that the address belongs to the applicant. `claimed`: the address was typed in. `verified`: the backend of
 * the site knows that the address is theirs.
 */
export type Assurance = 'claimed' | 'verified'

/** What a guest was requested with, so that its next tokens can be requested. Nothing of it is secret or personal. */
export type StoredGuestRequest = {
  /** Of ephemeral guests: the requested lifetime of a token, in seconds; absent of a token from outside. */
  readonly durationSeconds?: number
  /** Of ephemeral guests. */
  readonly scopes?: readonly string[]
  /** Of authenticated guests. */
  readonly assurance?: Assurance
  /** Of authenticated guests on a channel. */
  readonly channelId?: string
  /** Of authenticated guests: when the applicant agreed, ISO 8601 in UTC; absent where no consent was needed. */
  readonly consentTimestamp?: string
}

/** A guest of any API. */
export interface GuestCredential extends CredentialBase {
  readonly kind: 'guest'
  readonly request?: StoredGuestRequest
  /** Personal data as JSON (see domain/profile.ts): stored sealed, under a key of its own that erasing destroys. */
  readonly profile?: Secret
  /** The id by which upstream knows its token; absent where that is the id of the guest (see domain/guest-id.ts). */
  readonly upstreamId?: string
  /** Whether another API may have a guest of the same id, in a row of its own. */
  readonly shared?: true
}

/** Something that yields valid tokens over time. */
export type Credential = AccessCredential | GrantCredential | GuestCredential

/** A credential with tokens that may be served. */
export type CredentialWithTokens<C extends Credential = Credential> = C & { readonly tokens: TokenSet }

/** A guest with a token. */
export type GuestWithTokens = CredentialWithTokens<GuestCredential>

/** Whether a credential is there and is of a kind. */
export const isOfKind = <C extends Credential>(credential: Credential | undefined, kind: C['kind']): credential is C =>
  credential?.kind === kind

/** The guest in what a store found; undefined for another kind of credential, and for none. */
export const guestIn = ({
  credential,
}: {
  readonly credential?: Credential | undefined
}): GuestCredential | undefined => (credential?.kind === 'guest' ? credential : undefined)

/** The guests on a page of a store. */
export const guestsIn = ({
  credentials,
}: {
  readonly credentials: readonly Credential[]
}): readonly GuestCredential[] => credentials.filter((credential) => credential.kind === 'guest')

/** The sign-in in what a store found; undefined for another kind of credential, and for none. */
export const grantIn = ({
  credential,
}: {
  readonly credential?: Credential | undefined
}): GrantCredential | undefined => (credential?.kind === 'grant' ? credential : undefined)

/** A credential without some of its notes. */
export function withoutNotes<C extends Credential>(credential: C, ...notes: readonly ('intent' | 'backOff')[]): C {
  const rest = { ...credential }
  for (const note of notes) delete rest[note]
  return rest
}
