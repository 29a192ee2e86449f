import type { User } from './users.ts'

/** The claims of the scopes `profile` and `email` (OpenID Connect Core, section 5.4). */
export function personalClaims({ name, email }: User, scopes: readonly string[]): Record<string, unknown> {
  const [given, ...family] = name.split(' ')
  return {
    ...(scopes.includes('profile') && { name, given_name: given, family_name: family.join(' ') }),
    ...(scopes.includes('email') && { email, email_verified: true }),
  }
}
