import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { Claim, ClaimParts } from './create-ledger.ts'
import type { Lookup } from '../enrichment/enrichment.ts'
import type { ApplicantApi } from './applicant-api.ts'
import type { Reception } from '../tokens/accept-tokens.ts'
import type { Sessions } from '../tokens/sessions.ts'
import type { Telling } from '../events/event-recorder.ts'

export interface CreationParts extends ClaimParts {
  readonly reception: Reception
  readonly sessions: Sessions
  readonly telling: Telling
  readonly ports: RenewalPorts
}

/** A create under way: what it needs, its API, what is written down of it, and the CRM's answer to come. */
export interface Creating {
  readonly parts: CreationParts
  readonly api: ApplicantApi
  readonly claim: Claim
  readonly asked: Promise<Lookup>
}

/** What to do where upstream does not say whether it has made a guest. */
export const CREATE_AGAIN =
  "Look upstream whether the guest exists. To have another one made all the same, ask with onDoubt 'create' (`guest issue --create-again`)."
