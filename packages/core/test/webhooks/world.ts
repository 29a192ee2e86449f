import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Credential } from '../../src/domain/credential.ts'
import type { Event } from '../../src/domain/events/event.ts'
import { Secret } from '../../src/domain/secret.ts'
import { guardedHttp } from '../../src/node/guarded-http.ts'
import { nodeHttp } from '../../src/node/http.ts'
import { eventsOf } from '../../src/report/report.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import { event, HOME } from '../../src/testing/store-contract/samples.ts'
import { webhookRoute } from '../../src/webhooks/endpoint.ts'
import type { ConfiguredEndpoint } from '../../src/webhooks/endpoints.ts'
import { type Webhooks, webhooks, type WebhooksParts } from '../../src/webhooks/webhooks.ts'

export const SECRET = new Secret('whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=')
export const never = new AbortController().signal

export interface ReceivedRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly body: Record<string, unknown>
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Never answers. */
  readonly hangs?: boolean
}

/** A receiver on loopback. It records the requests and answers by a function. */
export async function startReceiver(answer: (path: string, nth: number) => Answer = () => ({})) {
  const received: ReceivedRequest[] = []
  let sockets = 0
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (part: string) => (text += part))
    request.on('end', () => {
      const path = request.url ?? ''
      received.push({ path, headers: request.headers, text, body: JSON.parse(text) as Record<string, unknown> })
      const {
        status = 204,
        headers = {},
        hangs = false,
      } = answer(path, received.filter((one) => one.path === path).length)
      if (!hangs) response.writeHead(status, headers).end()
    })
  })
  server.on('connection', () => (sockets += 1))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    of: (path: string) => received.filter((one) => one.path === path),
    connections: () => sockets,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const configured = (id: string, url: string, more: Partial<ConfiguredEndpoint> = {}): ConfiguredEndpoint => ({
  id,
  url,
  contract: 'standard',
  includeToken: false,
  secrets: [SECRET],
  ...more,
})

/** A store with webhooks. Its clock is fake; its requests go over the network. */
export function createSite(of: readonly ConfiguredEndpoint[], more: Partial<WebhooksParts> = {}) {
  const clock = fakeClock()
  const store = memoryStore({ clock, route: webhookRoute })
  const random = { ...seededRandom(), float: () => 0 }
  const trusted = nodeHttp({ proxy: false })
  const guarded = guardedHttp()
  const ports = { store, clock, random, http: trusted.http, guardedHttp: guarded.http }
  const open = (parts: Partial<WebhooksParts> = {}): Webhooks =>
    webhooks({ connection: HOME, configured: of, ...more, ...parts }, ports)
  return {
    clock,
    store,
    random,
    ports,
    open,
    hooks: open(),
    commit: (events: readonly Event[], credential?: Credential) =>
      store.commit({
        connection: HOME,
        events,
        ...(credential ? { writes: [{ credential, expect: { generation: 0 } }] } : {}),
      }),
    async deliveryEvents(): Promise<readonly Event[]> {
      const all: Event[] = []
      for await (const one of eventsOf(store, HOME)) if (one.type.startsWith('WEBHOOK_')) all.push(one)
      return all
    },
    async close() {
      await trusted.close()
      await guarded.close()
    },
  }
}

/** Events without a stored guest. */
export const plainEvents = (count: number): readonly Event[] =>
  Array.from({ length: count }, (_, at) => event(`${at + 1}`, { type: 'KEYS_ROTATED', subject: `subject-${at}` }))
