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
  /** The access token, or the token of the guest. */
  readonly access: Secret
  /** The refresh token. Absent if the upstream gave none, as for client credentials. */
  readonly refresh?: Secret
  /** The scopes granted, each whole. */
  readonly scopes: readonly string[]
  /** True when signature and claims were checked on receipt; false for opaque tokens. */
  readonly verified: boolean
  /** When the request that brought the tokens was sent. */
  readonly sentAt: Instant
  /** When the token expires: `sentAt` and the lifetime that the upstream named. */
  readonly expiresAt: Instant
  /** The claim `exp` of the token, on the issuer's clock. Absent for opaque tokens, and in rows of earlier versions. */
  readonly exp?: Instant
  /** When the advisory window begins, from which the token is renewed while it is still served. Jitter is included. */
  readonly renewAt: Instant
}

/**
 * The call that is about to be sent for a credential. It is stored before the call, so that a later process
 * knows that the upstream may have acted on it.
 */
export interface Intent {
  /** A UUID v4, which the upstream receives as Idempotency-Key or request id if it takes one. */
  readonly id: string
  /**
   * `mint`: a new guest token. `refresh`: the refresh token, or the guest token, is exchanged. `last_resort`: a
   * refresh token is sent once more, because the answer to it was lost. New code writes only these three.
   */
  readonly action: 'mint' | 'refresh' | 'create' | 'update' | 'exchange' | 'last_resort'
  /** The id of the process that wrote the intent. */
  readonly holder: string
  readonly startedAt: Instant
  /** Of a `mint` that replaces a failed refresh: the message of that error, without any secret. */
  readonly because?: string
}

/** The back-off after a failed renewal. No process repeats the renewal before `until`. */
export interface BackOff {
  /** On the store's clock. */
  readonly until: Instant
  /** The length of the back-off in milliseconds. Rows of earlier versions lack it; it was at most 5 minutes. */
  readonly ms?: Millis
  /** Failures in a row, from 1. */
  readonly failures: number
  readonly code: ErrorCode
  /** What went wrong, without any secret. */
  readonly message: string
}

/** The members of every kind of credential. */
export interface CredentialBase {
  /** The name of the connection. Credentials of one connection are never used for another. */
  readonly connection: string
  /** The id of the row: the id of a guest, or a digest of the scopes and options that an access token depends on. */
  readonly id: string
  /** The upstream API that makes its tokens: `oauth`, `guest-tokens`, … */
  readonly api: string
  /** Names the owner in events and audit: random, never an email or a guest id. */
  readonly subject: string
  /** How many token sets were stored, which numbers the current one. 0: none yet. */
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
  /** The upstream's id of the user who signed in. No other user may sign in for this connection later. */
  readonly user?: string
  /** The upstream's id of the organisation of this user. */
  readonly organization?: string
  /** The `sub` of the ID token of the sign-in. */
  readonly subject?: string
  /** SHA-256 of the refresh token in the configuration that the grant began with. Absent after a sign-in. */
  readonly seed?: string
}

/** The sign-in of a user: a grant that access tokens are renewed from (RFC 6749, 6). */
export interface GrantCredential extends CredentialBase {
  readonly kind: 'grant'
  readonly request?: StoredSignIn
}

/**
 * How sure the caller is that the address belongs to the applicant. `claimed` (default): the applicant typed
 * the address in. `verified`: the backend of the site knows that the address is theirs.
 */
export type Assurance = 'claimed' | 'verified'

/** The request for a guest, by which its next tokens are requested. Contains nothing secret or personal. */
export type StoredGuestRequest = {
  /** Of guests of `guest-tokens`: the requested lifetime of a token, in seconds; absent for an imported token. */
  readonly durationSeconds?: number
  /** Of guests of `guest-tokens`. */
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
  /** Personal data: a `Profile`, written by `profileSecret`. Stores seal it with a key that is removed on erasure. */
  readonly profile?: Secret
  /**
   * The pseudonym of the address in the profile, by which a store finds the guests of a person: a keyed digest.
   * Empty: the profile has no address. Absent without a profile, and in rows of earlier versions.
   */
  readonly person?: string
  /** The id by which the upstream knows the guest. Absent if it is the `id` of the row; see `guestIdOf`. */
  readonly upstreamId?: string
  /** True if a guest of another API may have the same id. That guest has a row of its own. */
  readonly shared?: true
  /** For whom the guest was issued: `Context.owner`. Absent: every owner finds it. */
  readonly owner?: string
}

/** A stored token with its status: of a client, of a sign-in, or of a guest. Renewals replace the token. */
export type Credential = AccessCredential | GrantCredential | GuestCredential

/** A credential with tokens that may be served. */
export type CredentialWithTokens<C extends Credential = Credential> = C & { readonly tokens: TokenSet }

/** A guest with a token. */
export type GuestWithTokens = CredentialWithTokens<GuestCredential>

/** When the last token of a guest expires or expired. For a guest that never had a token: when it was made. */
export const guestEnd = ({ aliveUntil, createdAt }: Pick<GuestCredential, 'aliveUntil' | 'createdAt'>): Instant =>
  aliveUntil ?? createdAt

/** Whether a credential is there and is of a kind. */
export const isOfKind = <C extends Credential>(credential: Credential | undefined, kind: C['kind']): credential is C =>
  credential?.kind === kind

/** Gives the guest of a result of `Store.find`; undefined if it has no credential or one of another kind. */
export const guestIn = ({
  credential,
}: {
  readonly credential?: Credential | undefined
}): GuestCredential | undefined => (credential?.kind === 'guest' ? credential : undefined)

/** Gives the guests of a page of `Store.list`, and leaves out credentials of other kinds. */
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

/** A credential without its intent, its back-off, or both. */
export function withoutMembers<C extends Credential>(credential: C, ...members: readonly ('intent' | 'backOff')[]): C {
  const rest = { ...credential }
  for (const member of members) delete rest[member]
  return rest
}
