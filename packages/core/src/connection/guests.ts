import { type AuthenticatedGuestOptions, connectedApis, crmPolicy } from './guest-apis.ts'
import { oneOf, object } from '../domain/options.ts'
import { type Guests, createGuests, type GuestsParts } from '../guests/guests.ts'
import type { RenewalPorts } from '../tokens/renewal/renewal.ts'
import { createCrm } from '../upstream/crm/provider.ts'
import type { ProviderParts } from '../upstream/guest-api.ts'
import { byAuthenticatingApi } from '../upstream/guest-apis.ts'
import { guestTokenCalls } from '../upstream/guest-tokens/provider.ts'
import { fingerprint } from '../verify/fingerprint.ts'
import type { Platform } from '../verify/platform.ts'

interface ConnectionGuests
  extends ProviderParts,
    Omit<GuestsParts, 'guestTokens' | 'apis' | 'crm' | 'preflight' | 'onDuplicate' | 'fingerprint'> {
  readonly options: AuthenticatedGuestOptions
  readonly platform: Platform
}

/** The schema of the option `tokenFormat`. */
export const tokenFormatSchema = object<NonNullable<AuthenticatedGuestOptions['tokenFormat']>>(
  byAuthenticatingApi(() => oneOf('jwt', 'opaque')),
)

export { scopesOf } from '../upstream/guest-apis.ts'

/** Composes the guests of one connection. */
export function createConnectionGuests(parts: ConnectionGuests, ports: RenewalPorts): Guests {
  const { options, connection, network, platform } = parts
  const { crmUrl, preflight = 'before', tokenFormat, onDuplicate = 'reject' } = options
  return createGuests(
    {
      ...parts,
      guestTokens: guestTokenCalls(parts),
      apis: connectedApis(parts, tokenFormat),
      crm:
        crmUrl === undefined
          ? undefined
          : createCrm({ connection, url: crmUrl }, crmPolicy({ ...ports, ...network }), network),
      preflight,
      onDuplicate,
      fingerprint: async (token) => fingerprint(token, platform),
    },
    ports,
  )
}
