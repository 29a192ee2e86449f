import type { Context } from '../../domain/context.ts'
import { aboutOf } from '../../domain/events/event-parts.ts'
import { type Event, event, type EventType } from '../../domain/events/event.ts'
import type { Json } from '../../domain/json.ts'
import { endOf } from '../../domain/plan.ts'
import { openProfile } from '../../domain/profile.ts'
import { type Instant, iso, type Millis } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import type { Random } from '../../ports/random.ts'
import type { CredentialWithTokens } from '../../tokens/renewal/renewal.ts'
import { complianceFlags } from './compliance.ts'
import type { OnDuplicate } from '../../upstream/applicant-fields.ts'
import type { Applicant } from '../requests/applicant-request.ts'

/** One applicant's request for a guest, from its beginning to its end. */
export interface Attempt {
  readonly applicant: Applicant
  /** What to do with an applicant who has a session. */
  readonly onDuplicate: OnDuplicate
  /** The pseudonym of applicant and channel. */
  readonly key: string
  readonly context: Context & { readonly correlationId: string }
  /** Since the request came in. */
  readonly elapsed: () => Millis
}

/** Words what happens to an attempt, in events that hold nothing personal. */
export interface Wording {
  (
    attempt: Attempt,
    at: Instant,
    happened: {
      readonly type: EventType
      readonly outcome: Event['outcome']
      readonly subject: string
      readonly generation?: number
      readonly error?: GuestpassError | undefined
      readonly statusCode?: number | undefined
      readonly data?: Readonly<Record<string, Json>>
    },
  ): Event
}

export const wording =
  (connection: string, { random }: { readonly random: Random }): Wording =>
  ({ applicant, context, elapsed }, at, { subject, generation = 0, data, error, ...happened }) =>
    event(aboutOf({ connection, subject }, context, random), random.uuid(), at, {
      ...happened,
      generation,
      ...(happened.outcome === 'pending' ? {} : { latencyMs: elapsed() }),
      ...(error ? { error } : {}),
      data: { ...dataOf(applicant), ...data },
    })

/** What may be told of any attempt. */
const dataOf = ({ api, channelId, assurance }: Applicant): Readonly<Record<string, Json>> => ({
  api,
  ...(channelId === undefined ? {} : { channelId }),
  assurance,
})

/** The event of a guest that was authenticated, with flags that are found out. `trail`: events of the attempt that are stored. */
export function authenticated(
  wording: Wording,
  attempt: Attempt,
  { now, trail }: { readonly now: () => Instant; readonly trail: readonly Event[] },
  { subject, generation, tokens, request, profile }: CredentialWithTokens,
  { told, statusCode }: { readonly told: Readonly<Record<string, Json>>; readonly statusCode?: number },
): Event {
  const consentTimestamp = request?.['consentTimestamp'] as string | undefined
  const data = {
    verified: tokens.verified,
    tokenExpiry: iso(endOf(tokens)),
    consent: consentTimestamp !== undefined,
    ...(consentTimestamp === undefined ? {} : { consentTimestamp }),
    ...told,
  }
  const flags = complianceFlags({
    consentTimestamp,
    profile: openProfile(profile),
    told: { ...dataOf(attempt.applicant), ...data },
    trail,
  })
  return wording(attempt, now(), {
    type: 'guest.authentication',
    outcome: 'success',
    subject,
    generation,
    statusCode,
    data: { ...data, complianceFlags: flags },
  })
}
