import { auditRecord } from '../domain/audit-record.ts'
import { type Credential, guestIn } from '../domain/credential.ts'
import type { Event, EventType } from '../domain/events/event.ts'
import { guestIdOf } from '../domain/guest-id.ts'
import type { Json } from '../domain/json.ts'
import { profileIn } from '../domain/profile.ts'
import type { Secret } from '../domain/secret.ts'
import { type Instant, iso } from '../domain/time.ts'
import { isLoopback } from '../domain/loopback.ts'
import type { WebhookContract, WebhookEndpoint } from './endpoint.ts'

/** What is known at the moment of a delivery, beyond the event. */
interface PayloadFacts {
  /**
   * The credential of the event's subject, as stored now. Absent where the subject has none, or it was
   * erased.
   */
  readonly credential?: Credential
  /** The id of the OAuth client of the connection. */
  readonly clientId?: string
  readonly now: Instant
}

/** The body of a message, and the token in it. */
export interface Payload {
  readonly body: Json
  readonly token?: Secret
}

/** Types of events about stored guests. Where such an event has no credential, the guest was erased. */
const storedGuestEvents: ReadonlySet<EventType> = new Set<EventType>([
  'TOKEN_GENERATED_SUCCESS',
  'TOKEN_REVOKED',
  'TOKEN_ADOPTED',
  'REFRESH_INITIATED',
  'REFRESH_COMPLETED',
  'REFRESH_FAILED',
  'GUEST_ENRICHED',
  'GUEST_ENRICHMENT_FAILED',
])

type Members = { readonly [name: string]: Json }

/** The body of each contract. `tokenPart` has the new token, where the endpoint may be sent it. */
const bodies: Readonly<Record<WebhookContract, (event: Event, context: PayloadFacts, tokenPart: Members) => Json>> = {
  idp: ({ generation }, { credential, now }, tokenPart) => ({
    event: 'GUEST_TOKEN_REFRESHED',
    guestSessionId: credential ? guestIdOf(credential) : null,
    ...tokenPart,
    syncedAt: iso(now),
    generation,
  }),
  idm: ({ at, latencyMs = 0, outcome }, { clientId = null }) => ({
    clientId,
    timestamp: Math.floor(at),
    latencyMs,
    success: outcome === 'success',
  }),
  analytics: (event, { credential }) => analytics(event, credential),
  standard: (event, { credential }, tokenPart) =>
    standardBody(event, { ...(credential?.kind === 'guest' ? { guestId: guestIdOf(credential) } : {}), ...tokenPart }),
}

const isOfStoredGuest = ({ type, outcome }: Event): boolean =>
  storedGuestEvents.has(type) || (type === 'guest.authentication' && outcome === 'success')

/** The message about an event to an endpoint; undefined for a guest that was erased. */
export function payloadFor(endpoint: WebhookEndpoint, event: Event, context: PayloadFacts): Payload | undefined {
  const { credential } = context
  if (!credential && isOfStoredGuest(event)) return undefined
  const token = newToken(endpoint, event, credential)
  const body = bodies[endpoint.contract](event, context, token ? { newToken: token.reveal() } : {})
  return { body, ...(token ? { token } : {}) }
}

/**
 * An event in the format of Standard Webhooks: the audit record, without its connection, actor and
 * Idempotency-Key.
 */
export function standardBody(event: Event, more: Members = {}): Json {
  const { timestamp, eventType, connection: _name, actor: _actor, idempotencyKey: _key, ...record } = auditRecord(event)
  const { error, ...facts } = record
  return { type: eventType, timestamp, data: { ...facts, error: error ? { ...error } : null, ...more } }
}

function analytics({ latencyMs = 0, at }: Event, credential: Credential | undefined): Json {
  const { profile, request } = guestIn({ credential }) ?? {}
  const { email, crm } = profileIn(profile)
  return {
    guestId: credential ? guestIdOf(credential) : null,
    email: email ?? null,
    channelId: request?.channelId ?? null,
    crmTier: crm?.tier ?? null,
    authLatencyMs: latencyMs,
    timestamp: iso(at),
  }
}

/**
 * The token that the event made, for an endpoint that takes tokens over an encrypted connection or loopback.
 * A token that was replaced or revoked since is left out.
 */
function newToken(endpoint: WebhookEndpoint, event: Event, credential: Credential | undefined): Secret | undefined {
  if (!endpoint.includeToken || !isPrivate(endpoint)) return undefined
  const isCurrent = credential?.kind === 'guest' && credential.status === 'active'
  return isCurrent && event.outcome === 'success' && credential.generation === event.generation
    ? credential.tokens?.access
    : undefined
}

const isPrivate = ({ url, configured }: WebhookEndpoint): boolean => {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (configured && isLoopback(hostname))
}
