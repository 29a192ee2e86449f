import { type Event, type EventType, eventTypes } from '../domain/events/event.ts'
import type { Json } from '../domain/json.ts'
import { Secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'

export const contracts = ['standard', 'idp', 'idm', 'analytics'] as const

/** What an endpoint is sent: audit records (`standard`), or what one kind of system expects. */
export type Contract = (typeof contracts)[number]

/** Where events of a connection are sent. */
export interface Endpoint {
  /** Without colons: it is part of a queue's name. */
  readonly id: string
  readonly url: string
  /** What a `standard` endpoint is told; the other contracts say it themselves. */
  readonly events: 'all' | readonly EventType[]
  /** Each signs; the first is the newest. `whsec_` and base64. */
  readonly secrets: readonly Secret[]
  /** It is sent the tokens of guests. */
  readonly includeToken: boolean
  readonly contract: Contract
  /** Comes from the configuration: its address is not questioned, so it may be on loopback. */
  readonly configured: boolean
  /** It said that it is gone (410), and is sent nothing more. */
  readonly disabled?: { readonly at: Instant; readonly why: string }
  readonly createdAt: Instant
}

/** The kind of documents that endpoints are kept as. */
export const ENDPOINT = 'webhook'

/** The queue of what waits for an endpoint. */
export const endpointQueue = (connection: string, id: string): string => `webhook:${connection}:${id}`

/** The queue of what has not been given to endpoints yet. */
export const incomingQueue = (connection: string): string => `webhooks:${connection}`

/** What happens to webhooks is told to no webhook, or it would never end. */
const isAboutWebhooks = (type: EventType): boolean => type.startsWith('WEBHOOK_')

/** The events that webhooks can be told of. */
export const webhookEvents: readonly EventType[] = eventTypes.filter((type) => !isAboutWebhooks(type))

/** Names the queue of an event that endpoints may want; for the route of a store. */
export const webhookRoute = ({ type, connection }: Event): readonly string[] =>
  isAboutWebhooks(type) ? [] : [incomingQueue(connection)]

const isOfContract: Readonly<Record<Exclude<Contract, 'standard'>, (event: Event) => boolean>> = {
  // A token minted anew for a known guest takes the place of one that could not be refreshed any more.
  idp: ({ type, generation }) => type === 'REFRESH_COMPLETED' || (type === 'TOKEN_GENERATED_SUCCESS' && generation > 1),
  idm: ({ type }) => type === 'ACCESS_TOKEN_RENEWED' || type === 'ACCESS_TOKEN_FAILED',
  analytics: ({ type, outcome }) => type === 'guest.authentication' && outcome === 'success',
}

/** Whether an endpoint is to be told of an event. */
export function isSubscribed(
  { contract, events, disabled }: Pick<Endpoint, 'contract' | 'events' | 'disabled'>,
  event: Event,
): boolean {
  if (disabled || isAboutWebhooks(event.type)) return false
  if (contract !== 'standard') return isOfContract[contract](event)
  return events === 'all' || events.includes(event.type)
}

/** An endpoint as a document; sealed there, because of its secrets. */
export const endpointDocument = ({ id: _id, secrets, ...rest }: Endpoint): Json => ({
  ...rest,
  secrets: secrets.map((secret) => secret.reveal()),
})

type Stored = Omit<Endpoint, 'id' | 'secrets'> & { readonly secrets: readonly string[] }

export function endpointOf(id: string, document: Json): Endpoint {
  // Only `endpointDocument` writes documents of this kind.
  const { secrets, ...rest } = document as unknown as Stored
  return { id, ...rest, secrets: secrets.map((secret) => new Secret(secret)) }
}
