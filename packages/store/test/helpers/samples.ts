import { type Event, Secret } from '@guestpass/core'
import type { GuestCredential } from '@guestpass/core/store-kit'

/** The connection of the samples, and the time of what they hold. */
export const HOME = 'default'
export const AT = Date.UTC(2026, 0, 1)

/** A guest with a token. */
export const guest = (id: string, generation = 1, more: Partial<GuestCredential> = {}): GuestCredential => ({
  connection: HOME,
  id,
  kind: 'guest',
  api: 'guest-tokens',
  subject: `subject-of-${id}`,
  generation,
  status: 'active',
  createdAt: AT,
  tokens: { access: new Secret('a'), scopes: [], verified: true, sentAt: AT, expiresAt: AT, renewAt: AT },
  ...more,
})

/** The event of a refresh. */
export const event = (id: string, actor = 'library'): Event => ({
  id,
  type: 'REFRESH_COMPLETED',
  outcome: 'success',
  at: AT,
  actor,
  connection: HOME,
  subject: 'subject-1',
  generation: 1,
  correlationId: 'one',
  data: { api: 'guest-tokens', verified: true },
})
