import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { webhookReceiver, type WebhookReceiver } from '@guestpass/core'

/** A webhook that was received, with a right signature. */
export interface ReceivedWebhook {
  readonly endpoint: string
  /** The header `webhook-id`: the id of the event. */
  readonly id: string
  readonly result: 'handled' | 'repeated' | 'outdated' | 'underway'
  readonly body: Readonly<Record<string, unknown>>
}

/** Receives webhooks as a site does, with the receiver of the library. */
export interface Receiver {
  /** Variables that make a service send its webhooks here. */
  readonly env: Readonly<Record<string, string>>
  readonly received: readonly ReceivedWebhook[]
  /** Messages that the receiver refused, and faults that it found in the audit chain of the sender. */
  readonly faults: readonly string[]
  close(): Promise<void>
}

/** The webhook endpoints that a service has by its configuration. */
export const endpoints = ['idp', 'idm', 'analytics'] as const

/** Starts a receiver of the three endpoints. */
export async function startReceiver(secret: string): Promise<Receiver> {
  const received: ReceivedWebhook[] = []
  const faults: string[] = []
  const receivers = new Map<string, WebhookReceiver>(endpoints.map((name) => [name, receiverOf(name, secret, faults)]))
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const endpoint = request.url?.slice(1) ?? ''
    const body = await buffer(request)
    try {
      const result = await receivers.get(endpoint)?.receive(request.headersDistinct, body, () => {})
      if (result === undefined) throw new TypeError(`There is no endpoint ${endpoint}.`)
      const id = String(request.headers['webhook-id'])
      received.push({ endpoint, id, result, body: JSON.parse(body.toString()) as ReceivedWebhook['body'] })
      // The call that handles it may have been cut off, so the sender must come again.
      response.writeHead(result === 'underway' ? 503 : 204).end()
    } catch (thrown) {
      faults.push(`${endpoint}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
      response.writeHead(400).end()
    }
  }
  // A sender that was killed has cut off its request.
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    env: {
      ...Object.fromEntries(endpoints.map((name) => [`${name.toUpperCase()}_WEBHOOK_URL`, `${url}/${name}`])),
      WEBHOOK_SECRET: secret,
    },
    received,
    faults,
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const receiverOf = (name: string, secret: string, faults: string[]): WebhookReceiver =>
  webhookReceiver({
    secrets: [secret],
    // An instance may be paused after it signed a message.
    toleranceMs: 600_000,
    onBrokenChain: ({ reason, message }) =>
      faults.push(`${name}: the audit chain of the sender: ${reason}: ${message}`),
  })
