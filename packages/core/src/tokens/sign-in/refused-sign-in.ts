import { GuestpassError } from '../../domain/errors.ts'

/**
 * Why a sign-in is not accepted.
 *
 * - Of the callback. `state`: the state is missing or unknown. `replayed`: the state was used before.
 *   `expired`: the sign-in took longer than 10 minutes, or the device code expired. `browser`: the sign-in was
 *   begun in another browser. `upstream`: the callback has an error of the upstream, or no code.
 * - Of the user. `identity`: the connection belongs to another user or organisation, or the user is not known.
 * - `issuer`: the callback or the ID token is of another server.
 * - Of the ID token. `audience`, `azp`, `nonce`, `auth_time`, `at_hash`: that claim fails. `id_token`: the token
 *   does not verify, or another claim fails.
 */
export type SignInReason =
  | 'state'
  | 'replayed'
  | 'expired'
  | 'browser'
  | 'identity'
  | 'upstream'
  | 'issuer'
  | 'audience'
  | 'azp'
  | 'nonce'
  | 'auth_time'
  | 'at_hash'
  | 'id_token'

/** The error of a sign-in that is not accepted. `what`: why, as a clause. */
export const refusedSignIn = (reason: SignInReason, what: string): GuestpassError =>
  new GuestpassError('sign_in_refused', `The sign-in was not accepted: ${what}. Begin a new one.`, { reason })
