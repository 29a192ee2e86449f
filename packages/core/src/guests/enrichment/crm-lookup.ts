import { asGuestpassError, type GuestpassError } from '../../domain/errors.ts'
import type { Profile } from '../../domain/profile.ts'
import type { Meter } from '../../ports/meter.ts'
import type { Crm } from '../../upstream/crm/provider.ts'
import type { CrmProfile } from '../../upstream/crm/wire.ts'

/** The outcome of asking the CRM for a customer. `off`: the connection has no CRM. */
export type CrmLookup =
  | { readonly outcome: 'found'; readonly profile: CrmProfile }
  | { readonly outcome: 'missing' | 'off' }
  | { readonly outcome: 'failed'; readonly error: GuestpassError }

export interface CrmLookupParts {
  /** Absent: guests are not enriched from a CRM. */
  readonly crm?: Crm | undefined
  readonly meter: Meter
}

/**
 * Asks the CRM for the customer of an address. Never rejects: a failure is an outcome, because a guest needs
 * no CRM.
 */
export async function lookUpCustomer({ crm, meter }: CrmLookupParts, email: string): Promise<CrmLookup> {
  if (!crm) return { outcome: 'off' }
  try {
    const profile = await crm.profile(email)
    return profile ? { outcome: 'found', profile } : { outcome: 'missing' }
  } catch (thrown) {
    meter.count('crm_failed')
    return { outcome: 'failed', error: asGuestpassError(thrown) }
  }
}

/** Adds what the CRM knows of the customer to a profile. */
export const withCrm = (profile: Profile, { customerId, tier, lastInteraction }: CrmProfile): Profile => ({
  ...profile,
  crm: {
    ...(customerId === undefined ? {} : { customerId }),
    ...(tier === undefined ? {} : { tier }),
    ...(lastInteraction === undefined ? {} : { lastInteraction }),
  },
})
