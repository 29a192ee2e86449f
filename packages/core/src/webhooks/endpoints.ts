import type { EventType } from '../domain/events/event.ts'
import { flag, list, needed, oneOf, record, text } from '../domain/options.ts'
import { Secret } from '../domain/secret.ts'
import { webAddress } from '../domain/web-address.ts'
import { type Field, GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Document, Store } from '../ports/store.ts'
import { ENDPOINT, type Endpoint, endpointDocument, endpointOf, endpointQueue, webhookEvents } from './endpoint.ts'
import { endpointUrlFault } from './public-address.ts'
import { signingSecret, signingSecrets } from './signing-secret.ts'

/** An endpoint to add. */
export interface EndpointRequest {
  /** An https:// address that leads to a public one. */
  readonly url: string
  /** Types of events. Default `all`. */
  readonly events?: 'all' | readonly string[]
  /** Whether tokens of guests are sent to it. Default false. */
  readonly includeToken?: boolean
}

/** An endpoint of the configuration. */
export type ConfiguredEndpoint = Pick<Endpoint, 'id' | 'url' | 'contract' | 'includeToken' | 'secrets'>

export const configuredKind = list(
  record<ConfiguredEndpoint>({
    id: needed(text),
    url: needed(webAddress),
    contract: needed(oneOf('standard', 'idp', 'idm', 'analytics')),
    includeToken: flag,
    secrets: needed(signingSecrets),
  }),
)

/** The endpoints of a connection: those of the configuration, and those that were added. */
export interface Endpoints {
  all(): Promise<readonly Endpoint[]>
  /** Rejects with `webhook_unknown`. */
  get(id: string): Promise<Endpoint>
  /** Adds one, with a secret of its own. Rejects with `invalid_input`. */
  add(wanted: EndpointRequest): Promise<Endpoint>
  /** Forgets one that was added, and what waits for it. Rejects with `webhook_unknown`, for configured ones with `invalid_input`. */
  remove(id: string): Promise<void>
  /** Sends to it again after it was disabled. */
  enable(id: string): Promise<Endpoint>
  disable(id: string, why: string): Promise<Endpoint>
  /** Gives one that was added a new secret; the one before it keeps signing beside it until the next time. */
  rotate(id: string): Promise<Endpoint>
}

export interface EndpointsParts {
  readonly connection: string
  readonly configured?: readonly ConfiguredEndpoint[]
}

const PAGE = 1_000
/** Secrets that sign at once while receivers change over. */
const SECRETS = 2

export function createEndpoints(
  { connection, configured = [] }: EndpointsParts,
  { store, clock, random }: { readonly store: Store; readonly clock: Clock; readonly random: Random },
): Endpoints {
  const ids = new Set(configured.map(({ id }) => id))

  /** One of the configuration; the store only knows whether it was disabled, which ends when its address changes. */
  function given(one: ConfiguredEndpoint, { value }: Pick<Document, 'value'>): Endpoint {
    const kept = value === undefined ? undefined : endpointOf(one.id, value)
    return {
      ...one,
      events: 'all',
      configured: true,
      createdAt: kept?.createdAt ?? 0,
      ...(kept?.disabled && kept.url === one.url ? { disabled: kept.disabled } : {}),
    }
  }

  async function read(id: string): Promise<{ readonly endpoint: Endpoint; readonly revision: number }> {
    const document = await store.document(connection, ENDPOINT, id)
    const own = configured.find((one) => one.id === id)
    if (own) return { endpoint: given(own, document), revision: document.revision }
    const endpoint = document.value === undefined ? undefined : endpointOf(id, document.value)
    // What another process has in its configuration is not for this one.
    if (!endpoint || endpoint.configured) throw unknown(connection, id)
    return { endpoint, revision: document.revision }
  }

  async function change(id: string, how: (endpoint: Endpoint) => Endpoint): Promise<Endpoint> {
    for (;;) {
      const { endpoint, revision } = await read(id)
      const next = how(endpoint)
      // The secrets of the configuration stay there.
      const value = endpointDocument(next.configured ? { ...next, secrets: [] } : next)
      const write = { kind: ENDPOINT, id, value, expect: { revision } }
      if ((await store.commit({ connection, documents: [write] })) === 'done') return next
    }
  }

  return {
    async all() {
      const kept = new Map<string, Document>()
      for (let after: string | undefined; ; ) {
        const page = await store.documents(connection, {
          kind: ENDPOINT,
          limit: PAGE,
          ...(after === undefined ? {} : { after }),
        })
        for (const document of page.documents) kept.set(document.id, document)
        if (page.next === undefined) break
        after = page.next
      }
      const added = [...kept].flatMap(([id, { value }]) =>
        ids.has(id) || value === undefined ? [] : endpointOf(id, value),
      )
      return [
        ...configured.map((one) => given(one, kept.get(one.id) ?? {})),
        ...added.filter((endpoint) => !endpoint.configured),
      ]
    },
    get: async (id) => (await read(id)).endpoint,
    async add(wanted) {
      const endpoint: Endpoint = {
        id: random.uuid(),
        ...accepted(wanted),
        secrets: [new Secret(signingSecret(random))],
        contract: 'standard',
        configured: false,
        createdAt: Math.floor(clock.wall()),
      }
      const value = endpointDocument(endpoint)
      await store.commit({
        connection,
        documents: [{ kind: ENDPOINT, id: endpoint.id, value, expect: { revision: 0 } }],
      })
      return endpoint
    },
    async remove(id) {
      for (;;) {
        const { endpoint, revision } = await read(id)
        if (endpoint.configured) throw refused('id', `names the endpoint ${id} of the configuration`, FIXED)
        const write = { kind: ENDPOINT, id, expect: { revision } }
        if ((await store.commit({ connection, documents: [write] })) === 'done') break
      }
      await store.outbox.drop(endpointQueue(connection, id))
    },
    enable: (id) => change(id, ({ disabled: _over, ...endpoint }) => endpoint),
    disable: (id, why) => change(id, (endpoint) => ({ ...endpoint, disabled: { at: Math.floor(clock.wall()), why } })),
    rotate: (id) =>
      change(id, (endpoint) => {
        if (endpoint.configured) throw refused('id', `names the endpoint ${id} of the configuration`, ROTATED)
        const fresh = new Secret(signingSecret(random))
        return { ...endpoint, secrets: [fresh, ...endpoint.secrets].slice(0, SECRETS) }
      }),
  }
}

const FIXED = 'Take its setting out of the configuration.'
const ROTATED = 'Write the new secret before the old one in WEBHOOK_SECRET, separated by a comma.'

/** The request with its defaults; every fault at once. */
function accepted({ url, events = 'all', includeToken = false }: EndpointRequest) {
  const fields: Field[] = []
  const fault = endpointUrlFault(url)
  if (fault)
    fields.push({
      field: 'url',
      message: fault,
      remedy: 'Give the https:// address of a public endpoint, or set one of another kind in the configuration.',
    })
  const known = (type: string): type is EventType => (webhookEvents as readonly string[]).includes(type)
  const wanted = events === 'all' ? [] : events
  if (events !== 'all' && events.length === 0)
    fields.push({ field: 'events', message: 'is empty', remedy: 'Name types of events, or leave it out for all.' })
  for (const type of wanted.filter((one) => !known(one)))
    fields.push({
      field: 'events',
      message: `has no type ${JSON.stringify(type.slice(0, 60))}`,
      remedy: `Known are ${webhookEvents.join(', ')}.`,
    })
  if (fields.length > 0)
    throw new GuestpassError('invalid_input', `The webhook endpoint was not added: ${worded(fields)}.`, { fields })
  return { url: new URL(url).href, events: events === 'all' ? events : wanted.filter(known), includeToken }
}

const worded = (fields: readonly Field[]): string =>
  fields.map(({ field, message }) => `${field} ${message}`).join('; ')

const refused = (field: string, message: string, remedy: string): GuestpassError =>
  new GuestpassError('invalid_input', `${field} ${message}. ${remedy}`, { fields: [{ field, message, remedy }] })

const unknown = (connection: string, id: string): GuestpassError =>
  new GuestpassError(
    'webhook_unknown',
    `Connection ${connection} has no webhook endpoint ${JSON.stringify(id.slice(0, 60))}. List them with \`guestpass webhooks list\`.`,
  )
