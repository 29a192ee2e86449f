import { GRANT } from '../../domain/credential-ids.ts'
import type { Credential, Request } from '../../domain/credential.ts'
import type { Instant } from '../../domain/time.ts'

/** A grant before its first tokens. */
export const blankGrant = (connection: string, subject: string, now: Instant): Credential => ({
  connection,
  id: GRANT,
  kind: 'grant',
  api: 'oauth',
  subject,
  generation: 0,
  status: 'active',
  createdAt: now,
})

/** Some members of what a grant was asked for, those that are there. */
export const pickMembers = (request: Request, members: readonly string[]): Request =>
  Object.fromEntries(Object.entries(request).filter(([member]) => members.includes(member)))
