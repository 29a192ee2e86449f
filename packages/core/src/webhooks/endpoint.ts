import { type Event, type EventType, eventTypes } from '../domain/events/event.ts'
import type { Json } from '../domain/json.ts'
import { Secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'

/**
 * The format of the messages to a webhook endpoint. `standard`: audit records as Standard Webhooks. `idp`: renewed
 * guest tokens, for an identity provider. `idm`: renewals of access tokens, for identity management.
 * `analytics`: authenticated guests.
 */
export type WebhookContract = 'standard' | 'idp' | 'idm' | 'analytics'

/** All contracts. */
export const contracts: readonly WebhookContract[] = ['standard', 'idp', 'idm', 'analytics']

/** A webhook endpoint: where events of a connection are sent. */
export interface WebhookEndpoint {
  /** A UUID, or a name of the configuration. It has no colon, because it is part of the name of a queue. */
  readonly id: string
  /** The address that messages are sent to. */
  readonly url: string
  /** The types of events that are sent, if the contract is `standard`. Other contracts have fixed types. */
  readonly events: 'all' | readonly EventType[]
  /** Each secret signs every message, the newest first. Format: `whsec_` and base64 of 24 to 64 bytes. */
  readonly secrets: readonly Secret[]
  /** Whether messages about guests contain their tokens. */
  readonly includeToken: boolean
  /** The format of the messages: `standard`, `idp`, `idm` or `analytics`. */
  readonly contract: WebhookContract
  /** Whether the endpoint is from the configuration. Its address is then trusted, and may be on loopback. */
  readonly configured: boolean
  /**
   * Present while nothing is sent to the endpoint, because it answered 410 or was disabled. `at`: milliseconds
   * since 1970. `why`: a clause.
   */
  readonly disabled?: { readonly at: Instant; readonly why: string }
  /** When the endpoint was added, in milliseconds since 1970; 0 for an endpoint of the configuration. */
  readonly createdAt: Instant
}

/** The queue of the events for one endpoint. */
export const endpointQueue = (connection: string, id: string): string => `webhook:${connection}:${id}`

/** The queue of the events that were not routed to endpoints yet. */
export const incomingQueue = (connection: string): string => `webhooks:${connection}`

/** No webhook is sent about a webhook, because each would cause the next one. */
const isAboutWebhooks = (type: EventType): boolean => type.startsWith('WEBHOOK_')

/** The types of events that webhooks can be sent for. */
export const webhookEvents: readonly EventType[] = eventTypes.filter((type) => !isAboutWebhooks(type))

/**
 * The route of a store with webhooks: queues each event that a webhook can be sent for. `webhooks(…)`
 * delivers from this queue.
 *
 * @returns the names of the sinks that get the event: one, or none for an event about a webhook
 *
 * @example
 * ```ts
 * import { memoryStore, webhookRoute } from '@guestpass/core'
 *
 * const store = memoryStore({ route: webhookRoute })
 * await store.close()
 * ```
 */
export const webhookRoute = ({ type, connection }: Event): readonly string[] =>
  isAboutWebhooks(type) ? [] : [incomingQueue(connection)]

const isOfContract: Readonly<Record<Exclude<WebhookContract, 'standard'>, (event: Event) => boolean>> = {
  // A token that is minted for a known guest replaces one that could not be refreshed any more.
  idp: ({ type, generation }) => type === 'REFRESH_COMPLETED' || (type === 'TOKEN_GENERATED_SUCCESS' && generation > 1),
  idm: ({ type }) => type === 'ACCESS_TOKEN_RENEWED' || type === 'ACCESS_TOKEN_FAILED',
  analytics: ({ type, outcome }) => type === 'guest.authentication' && outcome === 'success',
}

/** Whether an event is sent to an endpoint. */
export function isSubscribed(
  { contract, events, disabled }: Pick<WebhookEndpoint, 'contract' | 'events' | 'disabled'>,
  event: Event,
): boolean {
  if (disabled || isAboutWebhooks(event.type)) return false
  if (contract !== 'standard') return isOfContract[contract](event)
  return events === 'all' || events.includes(event.type)
}

/** An endpoint as a document, which the store seals because of the secrets in it. */
export const endpointDocument = ({ id: _id, secrets, ...rest }: WebhookEndpoint): Json => ({
  ...rest,
  secrets: secrets.map((secret) => secret.reveal()),
})

type Stored = Omit<WebhookEndpoint, 'id' | 'secrets'> & { readonly secrets: readonly string[] }

export function endpointOf(id: string, document: Json): WebhookEndpoint {
  // Only `endpointDocument` writes documents of this kind.
  const { secrets, ...rest } = document as unknown as Stored
  return { id, ...rest, secrets: secrets.map((secret) => new Secret(secret)) }
}
