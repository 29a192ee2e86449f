import { GuestpassError } from '../../domain/errors.ts'

/**
 * Why a sign-in is not accepted. `issuer`: the callback or the ID token is of another server; `audience`, `azp`, `nonce`, `auth_time`,
 * `at_hash`: that claim of the ID token fails; `id_token`: it does not verify, or another claim fails.
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
