import { type Clock, epochSeconds } from '../clock.ts'
import type { GuestJwt } from '../guest-jwt.ts'
import type { Organization } from '../oauth/clients.ts'

/** The requested guest, lifetime and scopes of a token. */
interface GuestTerms {
  readonly guestId: string
  readonly durationSeconds: number
  readonly scopes: readonly string[]
}

/** A guest, and the times of its latest token in milliseconds since the epoch. */
export interface Guest extends GuestTerms {
  readonly organization: Organization
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt: number
  /** How many refreshes have taken effect. */
  readonly refreshes: number
}

export interface Guests {
  /** All guests, in the order in which they were made. */
  all(): readonly Guest[]
  find(guestId: string): Guest | undefined
  /** Issues a first token, or another one for a known guest. */
  mint(organization: Organization, terms: GuestTerms): Promise<string>
  /** Issues the next token on the same terms. Returns it with the guest as it is then. */
  refresh(guest: Guest): Promise<{ readonly guest: Guest; readonly token: string }>
}

export function createGuests({ clock, sign }: { readonly clock: Clock; readonly sign: GuestJwt }): Guests {
  const known = new Map<string, Guest>()
  const renewed = (guest: Omit<Guest, 'updatedAt' | 'expiresAt'>): { guest: Guest; token: Promise<string> } => {
    const now = clock.now()
    const iat = epochSeconds(now)
    const next = { ...guest, updatedAt: now, expiresAt: (iat + guest.durationSeconds) * 1000 }
    known.set(guest.guestId.toLowerCase(), next)
    return { guest: next, token: sign({ ...next, iat, seconds: next.durationSeconds }) }
  }
  const find = (guestId: string): Guest | undefined => known.get(guestId.toLowerCase())
  return {
    all: () => [...known.values()],
    find,
    mint: (organization, terms) => {
      const { createdAt = clock.now(), refreshes = 0 } = find(terms.guestId) ?? {}
      return renewed({ ...terms, organization, createdAt, refreshes }).token
    },
    refresh: async (guest) => {
      // Read again: another refresh may have taken effect during the scripted delay.
      const { refreshes } = find(guest.guestId) ?? guest
      const next = renewed({ ...guest, refreshes: refreshes + 1 })
      return { guest: next.guest, token: await next.token }
    },
  }
}
