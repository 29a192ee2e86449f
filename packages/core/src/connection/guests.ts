import { personApis, type AuthenticatedGuestOptions } from './guest-apis.ts'
import { type Guests, guests, type GuestsParts } from '../guests/guests.ts'
import type { Policy } from '../policy/pipeline.ts'
import type { RenewalPorts } from '../tokens/renewal/renewal.ts'
import type { Network } from '../upstream/answer.ts'
import { guestTokens } from '../upstream/guest-tokens/provider.ts'
import { CREATE_SCOPES, MINT_SCOPE, READ_SCOPE, REFRESH_SCOPE, WRITE_SCOPE } from '../upstream/scopes.ts'
import { fingerprint } from '../verify/fingerprint.ts'
import type { Platform } from '../verify/platform.ts'

export interface ConnectionGuests
  extends Omit<GuestsParts, 'guestTokens' | 'fingerprint' | keyof ReturnType<typeof personApis>> {
  readonly options: AuthenticatedGuestOptions
  /** Where the guest APIs are. */
  readonly api: string
  readonly network: Network
  readonly platform: Platform
  /** The policy of calls that need these scopes, on a token with those asked for. */
  policyFor(needed: readonly string[], asked: readonly string[]): Policy
}

/** Composes the guests of one connection. */
export function connectionGuests(parts: ConnectionGuests, ports: RenewalPorts): Guests {
  const { options, connection, api, network, platform, policyFor } = parts
  const needing =
    (asked: readonly string[]) =>
    (needed: readonly string[] = asked): Policy =>
      policyFor(needed, asked)
  const policies = { mint: needing([MINT_SCOPE])(), refresh: needing([REFRESH_SCOPE])() }
  const people = { engagements: needing([WRITE_SCOPE, READ_SCOPE]), externalUsers: needing(CREATE_SCOPES) }
  return guests(
    {
      ...parts,
      guestTokens: guestTokens({ connection, api }, policies, network),
      ...personApis(options, { connection, api }, people, { ...network, random: ports.random }),
      fingerprint: async (token) => fingerprint(token, platform),
    },
    ports,
  )
}
