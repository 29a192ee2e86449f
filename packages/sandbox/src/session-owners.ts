import type { Organization } from './oauth/clients.ts'

/** Who holds what only one guest at a time can have, as an address on a channel. */
export interface SessionOwners {
  /** The id of the guest that holds the key and is still live. */
  find(key: string): string | undefined
  /** The key is this guest's from now on; says how often it was taken so far. */
  assign(key: string, guestId: string): number
}

export function createSessionOwners(live: (guestId: string) => boolean): SessionOwners {
  const held = new Map<string, { readonly guestId: string; readonly taken: number }>()
  return {
    find: (key) => {
      const guestId = held.get(key)?.guestId
      return guestId !== undefined && live(guestId) ? guestId : undefined
    },
    assign: (key, guestId) => {
      const taken = (held.get(key)?.taken ?? 0) + 1
      held.set(key, { guestId, taken })
      return taken
    },
  }
}

/** The same for one address in whatever case it is written. */
export function personKey(organization: Organization, email: string, channelId = ''): string {
  return JSON.stringify([organization.id, email.toLowerCase(), channelId])
}
