import {
  type AccessToken,
  type ConnectionView,
  type Erasure,
  type GuestView,
  GuestpassError,
  type IssuedGuest,
  type PersonErasure,
  type Revocation,
  type Secret,
  type WebhookEndpoint,
} from '@guestpass/core'
import { currentStatus, iso, type WebhookAttempt } from '@guestpass/core/runtime-kit'
import type { DeadLetter, Instant } from '@guestpass/core/store-kit'

/** Gives the text that shows a token: the token, or a mask. */
export type ShownToken = (token: Secret) => string

/*
 * Documents for programs: the bodies of the service's routes, and the output of the command line with --json.
 * Instants are ISO 8601 in UTC.
 */

/** Makes the JSON of an issued guest, for a route or `--json`. Times are ISO 8601 in UTC. */
export const guestDocument = (guest: IssuedGuest, shown: ShownToken) => ({
  guestId: guest.guestId,
  api: guest.api,
  ...tokenDocument(guest, shown),
  verified: guest.verified,
  ...(guest.channelId === undefined ? {} : { channelId: guest.channelId }),
  ...(guest.crm ? { crm: guest.crm } : {}),
  ...(guest.upstream ? { upstream: guest.upstream } : {}),
})

/** Makes the JSON of a guest's token, for a route or `--json`. Times are ISO 8601 in UTC. */
export const tokenDocument = (
  { token, expiresAt, generation }: Pick<IssuedGuest, 'token' | 'expiresAt' | 'generation'>,
  shown: ShownToken,
) => ({ token: shown(token), expiresAt: iso(expiresAt), generation })

/** Makes the JSON of an access token, for a route or `--json`. Times are ISO 8601 in UTC. */
export const accessTokenDocument = (
  { token, expiresAt, scopes, generation, status }: AccessToken,
  shown: ShownToken,
) => ({ accessToken: shown(token), expiresAt: iso(expiresAt), scope: scopes.join(' '), generation, status })

/**
 * Makes the JSON of a guest without its token, for a route or `--json`. Times are ISO 8601 in UTC.
 *
 * @param now in milliseconds since 1970: the status is the one at this time, `expired` if the token has ended
 */
export const guestViewDocument = (view: GuestView, now: Instant) => ({
  ...view,
  status: currentStatus(view, now),
  ...(view.expiresAt === undefined ? {} : { expiresAt: iso(view.expiresAt) }),
  ...(view.removedAt === undefined ? {} : { removedAt: iso(view.removedAt) }),
  createdAt: iso(view.createdAt),
})

/** Makes the JSON of a revocation, for a route or `--json`: its result here and upstream. Times are ISO 8601 in UTC. */
export const revocationDocument = ({ upstream, local, upstreamValidUntil }: Revocation) => ({
  upstream,
  local,
  ...(upstreamValidUntil === undefined ? {} : { upstreamValidUntil: iso(upstreamValidUntil) }),
})

/**
 * Makes the JSON of a connection, for a route or `--json`: how it gets its access tokens, and their status. Times
 * are ISO 8601 in UTC.
 *
 * @param now in milliseconds since 1970: the status is the one at this time, `expired` if the token has ended
 */
export const connectionDocument = (
  { expiresAt, renewedAt, standing: _former, ...view }: ConnectionView,
  now: Instant,
) => ({
  ...view,
  status: currentStatus({ status: view.status, ...(expiresAt === undefined ? {} : { expiresAt }) }, now),
  ...(expiresAt === undefined ? {} : { expiresAt: iso(expiresAt) }),
  ...(renewedAt === undefined ? {} : { renewedAt: iso(renewedAt) }),
})

/**
 * Makes the JSON of an erased guest, for a route or `--json`. Times are ISO 8601 in UTC. `files`: see
 * `remainingFiles`.
 */
export const erasureDocument = (erasure: Erasure, files: readonly string[]) => ({
  ...revocationDocument(erasure),
  remains: [...erasure.remains, ...files],
})

/**
 * Makes the JSON of the erasure of a person, for a route or `--json`. Times are ISO 8601 in UTC. `files`: see
 * `remainingFiles`.
 */
export const personErasureDocument = ({ guests, remains }: PersonErasure, files: readonly string[]) => ({
  guests: guests.map(({ guestId, api, channelId, ...revocation }) => ({
    guestId,
    api,
    ...(channelId === undefined ? {} : { channelId }),
    ...revocationDocument(revocation),
  })),
  remains: [...remains, ...files],
})

/** Makes the JSON of a webhook endpoint, for a route or `--json`. Times are ISO 8601 in UTC. */
export const endpointDocument = (
  { id, url, contract, events, includeToken, configured, disabled, secrets }: WebhookEndpoint,
  shown: ShownToken,
) => ({
  id,
  url,
  contract,
  events,
  includeToken,
  configured,
  secrets: secrets.map(shown),
  ...(disabled ? { disabled: { at: iso(disabled.at), why: disabled.why } } : {}),
})

/** Makes the JSON of a dead letter, for a route or `--json`. Times are ISO 8601 in UTC. */
export const deadLetterDocument = ({ event: { id, type, at }, attempts, why }: DeadLetter) => ({
  eventId: id,
  eventType: type,
  timestamp: iso(at),
  attempts,
  why,
})

/**
 * Makes the JSON of a test of a webhook endpoint, for a route or `--json`. Throws `webhook_failed` if the endpoint
 * did not take it.
 */
export function webhookTestDocument(id: string, { result, why, latencyMs, statusCode }: WebhookAttempt) {
  if (result !== 'taken')
    throw new GuestpassError(
      'webhook_failed',
      `Webhook endpoint ${id} did not take the test: ${why}. See that it answers with 2xx within its time.`,
      statusCode === undefined ? {} : { upstream: { status: statusCode } },
    )
  return { id, delivered: true, statusCode, latencyMs: Math.round(latencyMs * 10) / 10 }
}
