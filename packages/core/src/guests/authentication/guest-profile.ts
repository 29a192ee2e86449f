import type { GuestCredential, GuestWithTokens } from '../../domain/credential.ts'
import { jsonBytes, MAX_ATTRIBUTE_BYTES } from '../../domain/guest-attributes.ts'
import type { Json } from '../../domain/json.ts'
import { hasEnded } from '../../domain/plan.ts'
import { profileIn, type Profile, profileSecret } from '../../domain/profile.ts'
import { type Instant, iso } from '../../domain/time.ts'
import { type CrmLookup, withCrm } from '../enrichment/crm-lookup.ts'
import type { Applicant } from '../requests/applicant-request.ts'
import type { Attempt } from './attempt.ts'

/** The profile that a request gives, with what the CRM knows. */
export const requestProfile = ({ email, name, attributes }: Applicant, lookup?: CrmLookup): Profile => {
  const plain: Profile = { email, ...(name === undefined ? {} : { name }), attributes }
  return lookup?.outcome === 'found' ? withCrm(plain, lookup.profile) : plain
}

/**
 * Adds to a guest of an earlier request what this request gives: its name, its time of consent, and its
 * attributes over the earlier ones.
 */
export function withRequestProfile(
  guest: GuestWithTokens,
  { applicant, person }: Pick<Attempt, 'applicant' | 'person'>,
  at: Instant,
  lookup?: CrmLookup,
): GuestWithTokens {
  const before = profileIn(guest.profile)
  const brings = requestProfile(applicant, lookup)
  return {
    ...guest,
    profile: profileSecret({
      ...before,
      ...brings,
      attributes: merged(applicant.attributes, before['attributes'] ?? {}),
    }),
    person,
    ...(applicant.consent ? { request: { ...guest.request, consentTimestamp: iso(at) } } : {}),
  }
}

/** The attributes of a request, and earlier ones of other names that still fit into the limit. */
const merged = (own: Profile, before: Json): Profile =>
  Object.entries(before as Profile).reduce((all, [name, value]) => {
    const next = Object.hasOwn(all, name) ? all : { [name]: value, ...all }
    return jsonBytes(next) <= MAX_ATTRIBUTE_BYTES ? next : all
  }, own)

/** Whether a guest has a token and was not ended. */
export const hasToken = (guest: GuestCredential | undefined): guest is GuestWithTokens =>
  guest?.tokens !== undefined && !hasEnded(guest)
