import { type AuditLog, auditLog } from '../../src/audit/audit-log.ts'
import type { Http } from '../../src/ports/http.ts'
import type { Link, Store } from '../../src/ports/store.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import { event, HOME } from '../../src/testing/store-contract/samples.ts'
import { sentCheckpointOf, type SentCheckpoint } from '../../src/webhooks/checkpoint-header.ts'
import { webhookRoute } from '../../src/webhooks/endpoint.ts'
import type { WebhookMessage } from '../../src/webhooks/received-message.ts'
import { type ReceiverOptions, webhookReceiver } from '../../src/webhooks/receiver.ts'
import type { WitnessFault } from '../../src/webhooks/witness-verdict.ts'
import { webhooks } from '../../src/webhooks/webhooks.ts'
import { configured, never, SECRET } from './world.ts'

/** A sender with two endpoints and one receiver for both, without a network. */
export function witnessWorld(options: Partial<ReceiverOptions> = {}) {
  const clock = fakeClock()
  const chain = { change: (link: Link) => link }
  const memory = memoryStore({ clock, route: webhookRoute })
  const store: Store = {
    ...memory,
    async chain(connection, page) {
      const read = await memory.chain(connection, page)
      return { ...read, links: read.links.map((link) => chain.change(link)) }
    },
  }
  const faults: WitnessFault[] = []
  const messages: WebhookMessage[] = []
  const headers: (SentCheckpoint | undefined)[] = []
  const wire = { status: 204, isAnswerLost: false, change: (sent: Readonly<Record<string, string>>) => sent }
  const receiver = () =>
    webhookReceiver({ secrets: [SECRET], clock, onBrokenChain: (fault) => void faults.push(fault), ...options })
  let current = receiver()
  const http: Http = async ({ headers: sent, body = '' }) => {
    const text = sent['guestpass-checkpoint']
    headers.push(text === undefined ? undefined : sentCheckpointOf(text))
    const request = new Request('https://receiver.example/', { method: 'POST', headers: wire.change(sent), body })
    const act = (message: WebhookMessage): void => {
      if (wire.status !== 204) throw new Error('the receiver fails')
      messages.push(message)
    }
    const { status } = await current.handler(act)(request)
    if (wire.isAnswerLost) throw new Error('the connection was reset')
    return { status, headers: {}, bytes: new Uint8Array() }
  }
  const ports = { store, clock, random: { ...seededRandom(), float: () => 0 }, http, guardedHttp: http }
  const hooks = webhooks(
    {
      connection: HOME,
      configured: [
        configured('one', 'https://one.example/'),
        configured('two', 'https://two.example/', { contract: 'idm' }),
      ],
      clientId: 'client',
    },
    ports,
  )
  let count = 0
  return {
    clock,
    store,
    ports,
    hooks,
    log: auditLog(HOME, { store, clock }),
    wire,
    chain,
    faults,
    messages,
    headers,
    /** A receiver without what the one before remembered in this process. */
    restart: () => void (current = receiver()),
    /** Commits an event and delivers it; `type` decides to which endpoints. Resolves to the last message. */
    async deliver(type: 'KEYS_ROTATED' | 'ACCESS_TOKEN_RENEWED' = 'KEYS_ROTATED') {
      count += 1
      await store.commit({ connection: HOME, events: [event(`${count}`, { type, subject: `subject-${count}` })] })
      await hooks.drain(never)
      return messages.at(-1)?.witness
    },
  }
}

/** Makes a checkpoint of records that were added since the one before. */
export async function addCheckpoint({ log, clock }: { log: AuditLog; clock: ReturnType<typeof fakeClock> }) {
  await clock.advance(1_000)
  return log.checkpoint()
}
