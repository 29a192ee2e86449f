import type { Assurance } from '../credential.ts'
import { type Instant, iso } from '../time.ts'
import type { TriesData } from './tries.ts'
import {
  type EventContext,
  lastMembers,
  type EndFacts,
  type TypedEvent,
  firstMembers,
  type EventStamp,
} from './event-parts.ts'

/** The applicant of an authenticated guest, as events show it: nothing personal. */
export type ApplicantData = {
  /** The upstream API: `engagements`, `external-users`, … */
  readonly api: string
  readonly channelId?: string
  readonly assurance: Assurance
}

/** Data of a create of a guest. `requestId`: the id of the create, as the upstream receives it. */
export type CreateData = ApplicantData & { readonly requestId: string }

/** The answer of the CRM; `off`: there is no CRM. */
export type CrmOutcome = 'found' | 'missing' | 'failed' | 'off'

/**
 * The result of an authentication. `reused`: the stored guest of the applicant was returned. `recovered`: the
 * upstream still had a session of the applicant, and it was taken into the store. Else a new guest was made.
 */
export type AuthenticationResult =
  | { readonly reused: true }
  | { readonly recovered: true; readonly crm: CrmOutcome }
  | {
      readonly crm: CrmOutcome
      /** The state of the channel; `off`: it was not checked. */
      readonly preflight: 'usable' | 'unknown' | 'off'
      readonly requestId: string
    }

/** What an auditor checks of an authentication. */
export type ComplianceFlags = {
  /** Whether the time of consent is stored with the guest. */
  readonly gdprConsentRecorded: boolean
  /** Whether neither the event nor the attributes of the guest contain the address or the name. */
  readonly dataMinimizationApplied: boolean
  /** Whether the request was recorded before the upstream was called, and its end together with the guest. */
  readonly auditTrailGenerated: boolean
}

/**
 * Data of a successful authentication, without its `complianceFlags`. `verified`: whether the signature of the
 * token was checked.
 */
export type AuthenticationData = ApplicantData & {
  readonly verified: boolean
  /** ISO 8601. */
  readonly tokenExpiry: string
  readonly consent: boolean
  /** ISO 8601. */
  readonly consentTimestamp?: string
} & AuthenticationResult &
  TriesData

/**
 * The events of creates of authenticated guests. `resumes`: the create repeats one whose answer was lost.
 * docs/audit.md says when each event is recorded.
 */
export type GuestCreateEvent =
  | TypedEvent<'guest.authentication', 'success', AuthenticationData & { readonly complianceFlags: ComplianceFlags }>
  | TypedEvent<'guest.authentication', 'failure', ApplicantData & { readonly requestId?: string }>
  | TypedEvent<'GUEST_CREATE_INITIATED', 'pending', CreateData & { readonly resumes: boolean }>
  | TypedEvent<'GUEST_CREATE_IN_DOUBT', 'failure', CreateData>
  | TypedEvent<'GUEST_CREATE_FAILED', 'failure', CreateData>
  | TypedEvent<'GUEST_ORPHANED', 'failure', ApplicantData & { readonly requestId?: string }>

type EventOfType<T extends GuestCreateEvent['type'], O = unknown> = Extract<
  GuestCreateEvent,
  { readonly type: T; readonly outcome: O }
>

/** The part of an applicant that events show. */
interface ApplicantOfEvent {
  readonly api: string
  readonly channelId?: string
  readonly assurance: Assurance
}

interface ApplicantFacts extends EventStamp {
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
  about: EventContext,
  {
    applicant,
    requestId,
    resumes,
    ...stamp
  }: ApplicantFacts & Pick<CreateData, 'requestId'> & { readonly resumes: boolean },
): EventOfType<'GUEST_CREATE_INITIATED'> => ({
  ...firstMembers(stamp, about),
  type: 'GUEST_CREATE_INITIATED',
  outcome: 'pending',
  generation: 0,
  data: { ...applicantData(applicant), requestId, resumes },
})

/** A function that makes the event of a create that ended without a guest. */
const failedCreate =
  <T extends 'GUEST_CREATE_IN_DOUBT' | 'GUEST_CREATE_FAILED'>(type: T) =>
  (
    about: EventContext,
    { applicant, requestId, ...facts }: FailedCreateFacts,
  ): TypedEvent<T, 'failure', CreateData> => ({
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

/**
 * A function that makes the event of an applicant without a guest, with the id of the create where one was
 * recorded.
 */
const withoutGuest =
  <T extends 'GUEST_ORPHANED' | 'guest.authentication'>(type: T) =>
  (
    about: EventContext,
    { applicant, requestId, ...facts }: ApplicantFacts & EndFacts & { readonly requestId?: string | undefined },
  ): TypedEvent<T, 'failure', ApplicantData & { readonly requestId?: string }> => ({
    ...firstMembers(facts, about),
    type,
    outcome: 'failure',
    generation: 0,
    data: { ...applicantData(applicant), ...(requestId === undefined ? {} : { requestId }) },
    ...lastMembers(facts),
  })

/** The upstream has, or may have, a guest that no caller receives. */
export const guestOrphaned = withoutGuest('GUEST_ORPHANED')

/** A request for an authenticated guest failed. */
export const guestAuthenticationFailed = withoutGuest('guest.authentication')

/** The data of an authentication, from which its compliance flags are computed. */
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
  about: EventContext,
  facts: EventStamp &
    EndFacts & {
      readonly generation: number
      readonly data: AuthenticationData
      readonly complianceFlags: ComplianceFlags
    },
): EventOfType<'guest.authentication', 'success'> => ({
  ...firstMembers(facts, about),
  type: 'guest.authentication',
  outcome: 'success',
  generation: facts.generation,
  data: { ...facts.data, complianceFlags: facts.complianceFlags },
  ...lastMembers(facts),
})
