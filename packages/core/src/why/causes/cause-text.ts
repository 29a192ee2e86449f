/**
 * What happened to a guest. `issued`: it got its first token, or another one by a new request. `renewed`: its token was
 * replaced before or after its end. `failed`: a renewal failed while the token was valid. `refused`: a call for the
 * guest failed. `asked_again`: the person must authenticate again. `ended`: the guest has no valid token any more.
 * `in_doubt`: the refresh token may be spent. `pending`: a request has not ended. `unknown`: there are no records.
 */
export type Happened =
  | 'issued'
  | 'renewed'
  | 'failed'
  | 'refused'
  | 'asked_again'
  | 'ended'
  | 'in_doubt'
  | 'pending'
  | 'unknown'

/** How a cause is explained. Names of options, of members of requests and of calls are in backticks. */
export interface CauseText {
  readonly happened: Happened
  /** The cause, as a sentence. */
  readonly why: string
  /** The rule that applied, as a sentence. */
  readonly rule: string
  /** The option that decides, by its name in `ConnectionOptions` or `KeeperOptions`, and its default as text. */
  readonly setting?: { readonly option: string; readonly fallback: string }
  /** What would have prevented it, as a sentence. */
  readonly prevention: string
}

/** The rule of tokens from outside. */
export const IMPORTED =
  'A token from outside must be signed, be of the guest, have expired at most 300 s ago and not be older than the stored one.'
/** The rule of sessions. */
export const ONE_SESSION = 'An address has one session on a channel.'
/** The rule of a restored store. */
export const RESTORED =
  'A restore marks refresh tokens as possibly spent. The token is served to its end. Then the refresh is tried once, which is recorded before it is sent.'
