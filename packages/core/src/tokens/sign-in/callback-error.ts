import { GuestpassError } from '../../domain/errors.ts'
import { createRedactor } from '../../upstream/redactor.ts'
import { refusedSignIn } from './refused-sign-in.ts'

/** What to look at, by the error of RFC 6749 section 4.1.2.1, RFC 8707 section 2 and OpenID Connect Core section 3.1.2.6. */
const REMEDIES: Readonly<Record<string, string>> = {
  invalid_scope: 'Check `scopes` against the OAuth client',
  invalid_target: 'Check the resource in `authorizeParams`',
  unauthorized_client: 'Check that the OAuth client may use the authorization code grant',
  unsupported_response_type: 'Check that the OAuth client may use the authorization code grant',
  login_required: 'Take prompt=none out of `authorizeParams`',
  consent_required: 'Take prompt=none out of `authorizeParams`',
  interaction_required: 'Take prompt=none out of `authorizeParams`',
  server_error: 'Upstream may be down for a while',
  temporarily_unavailable: 'Upstream may be down for a while',
}

/** The longest description that is shown, in characters. */
const MOST = 200
const clean = createRedactor([])

/** Throws what a callback says instead of a code: `sign_in_denied` when the user said no, `sign_in_refused` otherwise. */
export function refuseCallbackError(query: URLSearchParams): void {
  const error = query.get('error')
  if (error === null) return
  const code = /^[a-z_]{1,40}$/.exec(error)?.[0] ?? 'an unreadable error'
  if (code === 'access_denied')
    throw new GuestpassError('sign_in_denied', 'The sign-in was denied: the user said no, or may not sign in.')
  const description = clean(query.get('error_description') ?? '', MOST)
  const remedy = REMEDIES[code]
  const what = `upstream answered ${code}${description === '' ? '' : ` (${description})`}`
  throw refusedSignIn('upstream', remedy === undefined ? what : `${what}. ${remedy}`)
}
