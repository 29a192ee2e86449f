import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { LedgerEntry, CreateLedgerParts } from './create-ledger.ts'
import type { CrmLookup } from '../enrichment/crm-lookup.ts'
import type { ApplicantApi } from './applicant-api.ts'
import type { TokenAcceptor } from '../tokens/accept-tokens.ts'
import type { GuestSessions } from '../tokens/guest-sessions.ts'
import type { RemovedGuests } from '../requests/tombstones.ts'
import type { GuestEventRecorder } from '../events/event-recorder.ts'

export interface CreationParts extends CreateLedgerParts {
  readonly acceptor: TokenAcceptor
  readonly sessions: GuestSessions
  readonly recorder: GuestEventRecorder
  readonly removed: RemovedGuests
  readonly ports: RenewalPorts
}

/** A running create: its API, its stored entry, and the answer of the CRM to come. */
export interface Creation {
  readonly parts: CreationParts
  readonly api: ApplicantApi
  readonly entry: LedgerEntry
  readonly crmLookup: Promise<CrmLookup>
}

/** The remedy if the upstream cannot say whether it made a guest. */
export const CREATE_AGAIN =
  "Check whether the guest exists upstream. To create another one in any case, ask with `onDoubt: 'create'`."
