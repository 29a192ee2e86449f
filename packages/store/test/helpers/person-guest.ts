import { type GuestCredential, profileSecret } from '@guestpass/core/store-kit'

/** A guest with an address, in its first generation and without a token. */
export const personGuest = (id: string, email: string): GuestCredential => ({
  connection: 'default',
  id,
  kind: 'guest',
  api: 'external-users',
  subject: `subject-of-${id}`,
  generation: 1,
  status: 'active',
  createdAt: 0,
  profile: profileSecret({ email }),
})
