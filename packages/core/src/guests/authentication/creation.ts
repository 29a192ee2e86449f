import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { LedgerEntry, CreateLedgerParts } from './create-ledger.ts'
import type { CrmLookup } from '../enrichment/crm-lookup.ts'
import type { ApplicantApi } from './applicant-api.ts'
import type { TokenAcceptor } from '../tokens/accept-tokens.ts'
import type { GuestSessions } from '../tokens/guest-sessions.ts'
import type { GuestEventRecorder } from '../events/event-recorder.ts'

export interface CreationParts extends CreateLedgerParts {
  readonly acceptor: TokenAcceptor
  readonly sessions: GuestSessions
  readonly recorder: GuestEventRecorder
  readonly ports: RenewalPorts
}

/** A create under way: what it needs, its API, what is written down of it, and the CRM's answer to come. */
export interface Creation {
  readonly parts: CreationParts
  readonly api: ApplicantApi
  readonly entry: LedgerEntry
  readonly crmLookup: Promise<CrmLookup>
}

/** What to do where upstream does not say whether it has made a guest. */
export const CREATE_AGAIN =
  "Check whether the guest exists upstream. To create another one in any case, ask with `onDoubt: 'create'`."
