import { oauthRefusal, type Refusal } from '../refusal.ts'

/** The code, refresh token or device code is no good: for the client it means to sign in again. */
export function invalidGrant(description: string): Refusal {
  return oauthRefusal(400, 'invalid_grant', description)
}
