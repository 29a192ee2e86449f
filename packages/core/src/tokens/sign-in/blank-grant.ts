import { GRANT_ID } from '../../domain/credential-ids.ts'
import type { GrantCredential } from '../../domain/credential.ts'
import type { Instant } from '../../domain/time.ts'

/** A grant before its first tokens. */
export const blankGrant = (connection: string, subject: string, now: Instant): GrantCredential => ({
  connection,
  id: GRANT_ID,
  kind: 'grant',
  api: 'oauth',
  subject,
  generation: 0,
  status: 'active',
  createdAt: now,
})
