import type { GuestWithTokens } from '../../domain/credential.ts'
import type { Context } from '../../domain/context.ts'
import { type EventContext, eventContext } from '../../domain/events/event-parts.ts'
import type { Event } from '../../domain/events/event.ts'
import type { TriesData } from '../../domain/events/tries.ts'
import { authenticationData, type AuthenticationResult, guestAuthenticated } from '../../domain/events/guest-creates.ts'
import { tokenEnd } from '../../domain/plan.ts'
import { profileIn } from '../../domain/profile.ts'
import type { Instant, Millis } from '../../domain/time.ts'
import type { Random } from '../../ports/random.ts'
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
  /** The pseudonym of the address alone. */
  readonly person: string
  readonly context: Context & { readonly correlationId: string }
  /** Milliseconds since the request came in. */
  readonly elapsed: () => Millis
}

/** Gives what the events of an attempt share, and the facts of one event. Nothing in it is personal. */
export type AttemptEvent = (
  attempt: Attempt,
  subject: string,
  at: Instant,
) => readonly [EventContext, { readonly id: string; readonly at: Instant; readonly applicant: Applicant }]

export const attemptEvents =
  (connection: string, { random }: { readonly random: Random }): AttemptEvent =>
  ({ applicant, context }, subject, at) => [
    eventContext({ connection, subject }, context, random),
    { id: random.uuid(), at, applicant },
  ]

/**
 * The event of a guest that was authenticated, with its compliance flags. `trail`: events of the attempt that
 * are stored.
 */
export function authenticated(
  eventOf: AttemptEvent,
  attempt: Attempt,
  { now, trail }: { readonly now: () => Instant; readonly trail: readonly Event[] },
  { subject, generation, tokens, request, profile }: GuestWithTokens,
  {
    result,
    statusCode,
    tries,
  }: { readonly result: AuthenticationResult; readonly statusCode?: number; readonly tries?: TriesData },
): Event {
  const consentTimestamp = request?.consentTimestamp
  const token = { verified: tokens.verified, expiresAt: tokenEnd(tokens), consentTimestamp }
  const data = { ...authenticationData(attempt.applicant, token, result), ...tries }
  const flags = complianceFlags({ consentTimestamp, profile: profileIn(profile), shown: data, trail })
  const [about, { id, at }] = eventOf(attempt, subject, now())
  const facts = { generation, latencyMs: attempt.elapsed(), statusCode, data, complianceFlags: flags }
  return guestAuthenticated(about, { id, at, ...facts })
}
