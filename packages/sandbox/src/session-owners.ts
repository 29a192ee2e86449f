import type { Organization } from './oauth/clients.ts'

/**
 * The guest that has the session of a key, as an address on a channel. A key has at most one live session.
 */
interface SessionOwners {
  /** The id of the guest with the live session of the key; undefined if there is none. */
  find(key: string): string | undefined
  /** Gives the session of the key to a guest. Returns how often the key was assigned so far. */
  assign(key: string, guestId: string): number
}

export function createSessionOwners(isLive: (guestId: string) => boolean): SessionOwners {
  const owners = new Map<string, { readonly guestId: string; readonly assigned: number }>()
  return {
    find: (key) => {
      const guestId = owners.get(key)?.guestId
      return guestId !== undefined && isLive(guestId) ? guestId : undefined
    },
    assign: (key, guestId) => {
      const assigned = (owners.get(key)?.assigned ?? 0) + 1
      owners.set(key, { guestId, assigned })
      return assigned
    },
  }
}

/** The key of an address, and of a channel if there is one. The case of the address does not matter. */
export function personKey(organization: Organization, email: string, channelId = ''): string {
  return JSON.stringify([organization.id, email.toLowerCase(), channelId])
}
