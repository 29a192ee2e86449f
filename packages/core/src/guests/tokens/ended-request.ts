import type { GuestCredential } from '../../domain/credential.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { EventContext, EventStamp } from '../../domain/events/event-parts.ts'
import { type GuestTokenEvent, refreshFailed, tokenFailed } from '../../domain/events/guest-tokens.ts'

/** What ended a request for a token whose end was not known. */
type EndOfRequest = 'revoked' | 'erased' | 'superseded'

const clauses: Readonly<Record<EndOfRequest, string>> = {
  revoked: 'The guest was revoked',
  erased: 'The guest was erased',
  superseded: 'Another token of the guest was stored',
}

/**
 * The event of a request for a token that another change of the guest ends: it may have taken effect upstream, and its
 * answer is not stored. None if no request was open. Store it with that change, so that no request stays without an end.
 *
 * @param guest the guest before the change
 */
export function endedRequest(
  guest: GuestCredential,
  about: EventContext,
  stamp: EventStamp,
  by: EndOfRequest,
): readonly GuestTokenEvent[] {
  const { intent } = guest
  if (!intent) return []
  const message = `${clauses[by]} while a request for its next token was open. It is not known whether the upstream acted on it. Its answer is not stored.`
  const error = new GuestpassError('in_doubt', message, { reason: by })
  const event = intent.action === 'mint' ? tokenFailed : refreshFailed
  return [event(about, { ...stamp, guest, error, latencyMs: Math.max(0, stamp.at - intent.startedAt) })]
}
