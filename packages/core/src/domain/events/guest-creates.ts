import type { Assurance } from '../credential.ts'
import { type Instant, iso } from '../time.ts'
import { type About, lastMembers, type EndFacts, type EventAs, firstMembers, type Stamp } from './event-parts.ts'

/** Who asks for an authenticated guest, as events show it: nothing personal. */
export type ApplicantData = {
  /** The upstream API: `engagements`, `external-users`, … */
  readonly api: string
  readonly channelId?: string
  readonly assurance: Assurance
}

/** `requestId`: the id of the create, as the upstream receives it. */
export type CreateData = ApplicantData & { readonly requestId: string }

/** What the CRM answered; `off`: there is none. */
type CrmOutcome = 'found' | 'missing' | 'failed' | 'off'

/** How a guest came to be authenticated: by a new guest, by the known one, or by its session that the upstream still has. */
export type AuthenticationResult =
  | { readonly reused: true }
  | { readonly recovered: true; readonly crm: CrmOutcome }
  | {
      readonly crm: CrmOutcome
      /** What is known of the channel; `off`: it was not checked. */
      readonly preflight: 'usable' | 'unknown' | 'off'
      readonly requestId: string
    }

/** What an auditor asks of an authentication. */
export type ComplianceFlags = {
  /** Whether the moment of consent is stored with the guest. */
  readonly gdprConsentRecorded: boolean
  /** Whether neither the event nor the attributes of the guest contain the address or the name. */
  readonly dataMinimizationApplied: boolean
  /** Whether the request was recorded before the upstream was called, and its end together with the guest. */
  readonly auditTrailGenerated: boolean
}

/** An authentication without the flags, which are computed from it. */
export type AuthenticationData = ApplicantData & {
  readonly verified: boolean
  /** ISO 8601. */
  readonly tokenExpiry: string
  readonly consent: boolean
  /** ISO 8601. */
  readonly consentTimestamp?: string
} & AuthenticationResult

export type GuestCreateEvent =
  | EventAs<'guest.authentication', 'success', AuthenticationData & { readonly complianceFlags: ComplianceFlags }>
  | EventAs<'guest.authentication', 'failure', ApplicantData & { readonly requestId?: string }>
  | EventAs<'GUEST_CREATE_INITIATED', 'pending', CreateData & { readonly resumes: boolean }>
  | EventAs<'GUEST_CREATE_IN_DOUBT', 'failure', CreateData>
  | EventAs<'GUEST_CREATE_FAILED', 'failure', CreateData>
  | EventAs<'GUEST_ORPHANED', 'failure', ApplicantData & { readonly requestId?: string }>

type Made<T extends GuestCreateEvent['type'], O = unknown> = Extract<
  GuestCreateEvent,
  { readonly type: T; readonly outcome: O }
>

/** The part of an applicant that events show. */
export interface ApplicantOfEvent {
  readonly api: string
  readonly channelId?: string
  readonly assurance: Assurance
}

interface ApplicantFacts extends Stamp {
  readonly applicant: ApplicantOfEvent
}

/** The end of a create that brought no guest. */
interface FailedCreateFacts extends ApplicantFacts, EndFacts {
  readonly requestId: string
}

/** The applicant of an authenticated guest, as its events show it. */
export const applicantData = ({ api, channelId, assurance }: ApplicantOfEvent): ApplicantData => ({
  api,
  ...(channelId === undefined ? {} : { channelId }),
  assurance,
})

/** A create is about to be sent. `resumes`: it repeats one whose answer was lost. */
export const guestCreateStarted = (
  about: About,
  {
    applicant,
    requestId,
    resumes,
    ...stamp
  }: ApplicantFacts & Pick<CreateData, 'requestId'> & { readonly resumes: boolean },
): Made<'GUEST_CREATE_INITIATED'> => ({
  ...firstMembers(stamp, about),
  type: 'GUEST_CREATE_INITIATED',
  outcome: 'pending',
  generation: 0,
  data: { ...applicantData(applicant), requestId, resumes },
})

/** A function that makes the event of a create that ended without a guest. */
const failedCreate =
  <T extends 'GUEST_CREATE_IN_DOUBT' | 'GUEST_CREATE_FAILED'>(type: T) =>
  (about: About, { applicant, requestId, ...facts }: FailedCreateFacts): EventAs<T, 'failure', CreateData> => ({
    ...firstMembers(facts, about),
    type,
    outcome: 'failure',
    generation: 0,
    data: { ...applicantData(applicant), requestId },
    ...lastMembers(facts),
  })

/** The answer to a create was lost. */
export const guestCreateInDoubt = failedCreate('GUEST_CREATE_IN_DOUBT')

/** A create failed, and made no guest. */
export const guestCreateFailed = failedCreate('GUEST_CREATE_FAILED')

/** A function that makes the event of an applicant without a guest, with the id of the create where one was recorded. */
const withoutGuest =
  <T extends 'GUEST_ORPHANED' | 'guest.authentication'>(type: T) =>
  (
    about: About,
    { applicant, requestId, ...facts }: ApplicantFacts & EndFacts & { readonly requestId?: string | undefined },
  ): EventAs<T, 'failure', ApplicantData & { readonly requestId?: string }> => ({
    ...firstMembers(facts, about),
    type,
    outcome: 'failure',
    generation: 0,
    data: { ...applicantData(applicant), ...(requestId === undefined ? {} : { requestId }) },
    ...lastMembers(facts),
  })

/** Upstream has, or may have, a guest that no caller receives. */
export const guestOrphaned = withoutGuest('GUEST_ORPHANED')

/** A request for an authenticated guest failed. */
export const guestAuthenticationFailed = withoutGuest('guest.authentication')

/** The data of an authentication without its compliance flags, which look at these data. */
export const authenticationData = (
  applicant: ApplicantOfEvent,
  token: { readonly verified: boolean; readonly expiresAt: Instant; readonly consentTimestamp?: string | undefined },
  result: AuthenticationResult,
): AuthenticationData => ({
  ...applicantData(applicant),
  verified: token.verified,
  tokenExpiry: iso(token.expiresAt),
  consent: token.consentTimestamp !== undefined,
  ...(token.consentTimestamp === undefined ? {} : { consentTimestamp: token.consentTimestamp }),
  ...result,
})

/** A guest was authenticated; `generation` is the one of its token. */
export const guestAuthenticated = (
  about: About,
  facts: Stamp &
    EndFacts & {
      readonly generation: number
      readonly data: AuthenticationData
      readonly complianceFlags: ComplianceFlags
    },
): Made<'guest.authentication', 'success'> => ({
  ...firstMembers(facts, about),
  type: 'guest.authentication',
  outcome: 'success',
  generation: facts.generation,
  data: { ...facts.data, complianceFlags: facts.complianceFlags },
  ...lastMembers(facts),
})
