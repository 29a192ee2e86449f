import { documentKind } from '../domain/document-kinds.ts'
import { boolean, list, required, oneOf, object, nonEmptyText } from '../domain/options.ts'
import { Secret } from '../domain/secret.ts'
import { webAddress } from '../domain/web-address.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { Instant } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import { pagesOf } from '../ports/pages.ts'
import type { Random } from '../ports/random.ts'
import type { Document, Store } from '../ports/store.ts'
import { type WebhookEndpoint, endpointDocument, endpointOf, endpointQueue } from './endpoint.ts'
import { acceptedRequest, type EndpointRequest } from './endpoint-request.ts'
import { signingSecret, signingSecrets } from './signing-secret.ts'

/** A webhook endpoint of the configuration. It is sent all events of its contract. */
export type ConfiguredEndpoint = Pick<WebhookEndpoint, 'id' | 'url' | 'contract' | 'includeToken' | 'secrets'>

export const configuredSchema = list(
  object<ConfiguredEndpoint>({
    id: required(nonEmptyText),
    url: required(webAddress),
    contract: required(oneOf('standard', 'idp', 'idm', 'analytics')),
    includeToken: boolean,
    secrets: required(signingSecrets),
  }),
)

/** The webhook endpoints of a connection: those of the configuration, and those that were added. */
export interface Endpoints {
  /** All endpoints, those of the configuration first. Rejects with the error of the store. */
  all(): Promise<readonly WebhookEndpoint[]>
  /** One endpoint by its id. Rejects with `webhook_unknown`. */
  get(id: string): Promise<WebhookEndpoint>
  /** Adds an endpoint with a new secret. Rejects with `invalid_input`, which names every fault. */
  add(request: EndpointRequest): Promise<WebhookEndpoint>
  /**
   * Removes an endpoint that was added, and the events that wait for it. Rejects with `webhook_unknown`, and
   * with `invalid_input` for an endpoint of the configuration.
   */
  remove(id: string): Promise<void>
  /** Ends the state `disabled` of an endpoint, so that it is sent events again. Rejects with `webhook_unknown`. */
  enable(id: string): Promise<WebhookEndpoint>
  /** Sends nothing more to an endpoint. `why` is a clause. Rejects with `webhook_unknown`. */
  disable(id: string, why: string): Promise<WebhookEndpoint>
  /**
   * Gives an endpoint that was added a new secret. The secret before it also signs, until the next rotation.
   * Rejects with `webhook_unknown`, and with `invalid_input` for an endpoint of the configuration.
   */
  rotate(id: string): Promise<WebhookEndpoint>
}

interface EndpointsParts {
  readonly connection: string
  readonly configured?: readonly ConfiguredEndpoint[]
}

const PAGE = 1_000
/** How many secrets sign while receivers change from one to the next. */
const SECRETS = 2

interface Ports {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
}

interface Parts extends Required<EndpointsParts> {
  readonly ports: Ports
}

export function createEndpoints({ connection, configured = [] }: EndpointsParts, ports: Ports): Endpoints {
  const parts: Parts = { connection, configured, ports }
  return {
    all: () => allEndpoints(parts),
    get: async (id) => (await read(parts, id)).endpoint,
    add: (request) => add(parts, request),
    remove: (id) => remove(parts, id),
    enable: (id) => change(parts, id, ({ disabled: _over, ...endpoint }) => endpoint),
    disable: (id, why) => change(parts, id, (endpoint) => ({ ...endpoint, disabled: { at: now(parts), why } })),
    rotate: (id) => change(parts, id, (endpoint) => rotated(parts, endpoint)),
  }
}

const now = ({ ports }: Parts): Instant => Math.floor(ports.clock.wall())

async function allEndpoints({ connection, configured, ports }: Parts): Promise<readonly WebhookEndpoint[]> {
  const stored = new Map<string, Document>()
  const pages = pagesOf((start) =>
    ports.store.documents(connection, { kind: documentKind.endpoint, limit: PAGE, ...start }),
  )
  for await (const { documents } of pages) for (const document of documents) stored.set(document.id, document)
  const isConfigured = (id: string): boolean => configured.some((one) => one.id === id)
  const added = [...stored].flatMap(([id, { value }]) =>
    isConfigured(id) || value === undefined ? [] : endpointOf(id, value),
  )
  return [
    ...configured.map((one) => configuredEndpoint(one, stored.get(one.id) ?? {})),
    ...added.filter((endpoint) => !endpoint.configured),
  ]
}

/**
 * An endpoint of the configuration. The store only knows whether it was disabled, which ends when its address
 * changes.
 */
function configuredEndpoint(one: ConfiguredEndpoint, { value }: Pick<Document, 'value'>): WebhookEndpoint {
  const stored = value === undefined ? undefined : endpointOf(one.id, value)
  return {
    ...one,
    events: 'all',
    configured: true,
    createdAt: stored?.createdAt ?? 0,
    ...(stored?.disabled && stored.url === one.url ? { disabled: stored.disabled } : {}),
  }
}

async function read(
  { connection, configured, ports }: Parts,
  id: string,
): Promise<{ readonly endpoint: WebhookEndpoint; readonly revision: number }> {
  const document = await ports.store.document(connection, documentKind.endpoint, id)
  const own = configured.find((one) => one.id === id)
  if (own) return { endpoint: configuredEndpoint(own, document), revision: document.revision }
  const endpoint = document.value === undefined ? undefined : endpointOf(id, document.value)
  // An endpoint that only another process has in its configuration is unknown to this one.
  if (!endpoint || endpoint.configured) throw unknown(connection, id)
  return { endpoint, revision: document.revision }
}

async function change(
  parts: Parts,
  id: string,
  changed: (endpoint: WebhookEndpoint) => WebhookEndpoint,
): Promise<WebhookEndpoint> {
  const { connection, ports } = parts
  for (;;) {
    const { endpoint, revision } = await read(parts, id)
    const next = changed(endpoint)
    // The secrets of the configuration stay there.
    const value = endpointDocument(next.configured ? { ...next, secrets: [] } : next)
    const write = { kind: documentKind.endpoint, id, value, expect: { revision } }
    if ((await ports.store.commit({ connection, documents: [write] })) === 'done') return next
  }
}

async function add(parts: Parts, request: EndpointRequest): Promise<WebhookEndpoint> {
  const { connection, ports } = parts
  const endpoint: WebhookEndpoint = {
    id: ports.random.uuid(),
    ...acceptedRequest(request),
    secrets: [new Secret(signingSecret(ports.random))],
    contract: 'standard',
    configured: false,
    createdAt: now(parts),
  }
  const write = {
    kind: documentKind.endpoint,
    id: endpoint.id,
    value: endpointDocument(endpoint),
    expect: { revision: 0 },
  }
  await ports.store.commit({ connection, documents: [write] })
  return endpoint
}

async function remove(parts: Parts, id: string): Promise<void> {
  const { connection, ports } = parts
  for (;;) {
    const { endpoint, revision } = await read(parts, id)
    if (endpoint.configured) throw refused(id, `Take \`webhooks.${id}\` out of the configuration.`)
    const acknowledged = await ports.store.document(connection, documentKind.acknowledgedCheckpoint, id)
    const documents = [
      { kind: documentKind.endpoint, id, expect: { revision } },
      { kind: documentKind.acknowledgedCheckpoint, id, expect: { revision: acknowledged.revision } },
    ]
    if ((await ports.store.commit({ connection, documents })) === 'done') break
  }
  await ports.store.outbox.drop(endpointQueue(connection, id))
}

/** The endpoint with a new secret before its newest one, which signs beside it until the next rotation. */
function rotated({ ports }: Parts, endpoint: WebhookEndpoint): WebhookEndpoint {
  if (endpoint.configured) throw refused(endpoint.id, ROTATED)
  const fresh = new Secret(signingSecret(ports.random))
  return { ...endpoint, secrets: [fresh, ...endpoint.secrets].slice(0, SECRETS) }
}

const ROTATED = 'Write the new secret before the old one in `webhooks.secret`, separated by a comma.'

function refused(id: string, remedy: string): GuestpassError {
  const field = { field: 'id', message: `names the endpoint ${id} of the configuration`, remedy }
  return new GuestpassError('invalid_input', `${field.field}: ${field.message}.`, { fields: [field] })
}

const unknown = (connection: string, id: string): GuestpassError =>
  new GuestpassError(
    'webhook_unknown',
    `Connection ${connection} has no webhook endpoint ${JSON.stringify(id.slice(0, 60))}.`,
  )
