import type { GuestpassError } from '../../domain/errors.ts'
import type { Millis } from '../../domain/time.ts'
import type { CreatedGuest } from '../../upstream/created-guest.ts'
import type { TryHooks } from '../../upstream/try-hooks.ts'
import type { ChannelStatus } from './channel-preflight.ts'
import type { Enrichment } from '../enrichment/enrichment.ts'
import type { Applicant } from '../requests/applicant-request.ts'
import type { TokenRequirements } from '../tokens/accept-tokens.ts'

/** How one API makes guests of people. */
export interface ApplicantApi extends Pick<TokenRequirements, 'format' | 'renewable'> {
  /**
   * Whether upstream refuses a second guest for the same person: then a create whose answer was lost may be sent again. Otherwise it
   * would make another guest.
   */
  readonly conflicts: boolean
  /** Throws when the connection cannot offer the API at all. */
  available(): void
  /** What is to be known before a create is sent. Rejects with `channel_unavailable`. */
  before(person: Applicant): Promise<ChannelStatus>
  /** A refusal of a create in the light of what else can be found out. */
  explain(error: GuestpassError, person: Applicant): Promise<GuestpassError>
  /** Not to be repeated: rejects with `in_doubt` when it may have taken effect, with `session_exists` when upstream has a session. */
  create(person: Applicant, requestId: string, hooks: TryHooks, patienceMs?: Millis): Promise<CreatedGuest>
  /** What fills in more about its guests; absent where nothing does. */
  readonly enrichment?: Enrichment
}
