import { oauthRefusal, type Refusal } from '../refusal.ts'

/** `invalid_grant` (RFC 6749, section 5.2): the code, refresh token or device code is not valid. */
export function invalidGrant(description: string): Refusal {
  return oauthRefusal(400, 'invalid_grant', description)
}
