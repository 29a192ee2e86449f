import { createHash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { AuthorizationCode, AuthorizationCodes } from './codes.ts'
import { type Form, required } from './form.ts'
import { invalidGrant } from './invalid-grant.ts'
import type { TokenIssuer } from './token-issuer.ts'
import type { Grant } from './token.ts'

/** RFC 6749, section 4.1.3, and RFC 7636. A code that is presented again ends the sign-in that it gave. */
export function authorizationCodeGrant({
  codes,
  issuer,
  clock,
}: {
  codes: AuthorizationCodes
  issuer: TokenIssuer
  clock: Clock
}): Grant {
  return {
    type: 'authorization_code',
    tokens: (client, form, call) => {
      const text = required(form, 'code')
      const code = codes.find(text)
      if (code === undefined) throw invalidGrant('the code is not known')
      if (code.terms.client.id !== client.id) throw invalidGrant('the code was issued to another client')
      if (code.family !== undefined) {
        code.family.ended = true
        call.note({ reuse: true, family: code.family.id })
        throw invalidGrant('the code was used before; what it gave is revoked')
      }
      if (clock.now() >= code.expiresAt) throw invalidGrant('the code has expired')
      assertSameRequest(code, form)
      const { redirectUri: _, challenge: __, ...terms } = code.terms
      const { family, answer } = issuer.signIn(terms)
      codes.spend(text, family)
      call.note({ family: family.id })
      return answer
    },
  }
}

/** Refuses an exchange whose redirect URI or verifier does not belong to the request for the code. */
function assertSameRequest({ terms }: AuthorizationCode, form: Form): void {
  if (required(form, 'redirect_uri') !== terms.redirectUri) {
    throw invalidGrant('redirect_uri is not the one that the code was asked for with')
  }
  const verifier = form['code_verifier']
  if (terms.challenge === undefined) {
    if (verifier !== undefined) throw invalidGrant('code_verifier: the code was asked for without a code_challenge')
    return
  }
  const challenge = createHash('sha256').update(required(form, 'code_verifier')).digest('base64url')
  if (challenge !== terms.challenge) throw invalidGrant('code_verifier does not fit the code_challenge')
}
