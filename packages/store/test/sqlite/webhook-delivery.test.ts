import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  auditLog,
  type Event,
  receiverMemory,
  Secret,
  signingSecret,
  webhookReceiver,
  webhookRoute,
} from '@guestpass/core'
import { eventsOf, systemClock } from '@guestpass/core/runtime-kit'
import { seededRandom } from '@guestpass/core/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inFolder, openStore, random } from '../helpers/open-store.ts'
import { program } from '../helpers/child-process.ts'

const EVENTS = 200
const KILLS = 8
const MINUTE = 60_000
/** What a process may have in hand. */
const BATCH = 20

const clock = systemClock()
const secret = new Secret(signingSecret(random))
const came: string[] = []
let requested = (): void => {}

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    // Clocks differ here by design; the rest of the message is checked.
    const { verify } = webhookReceiver({ secrets: [secret], memory: receiverMemory(), toleranceMs: 24 * 60 * MINUTE })
    verify(request.headers, Buffer.concat(parts)).then(
      ({ id }) => {
        came.push(id)
        response.writeHead(204).end()
        requested()
      },
      () => response.writeHead(400).end(),
    )
  })
})

const eventOf = (nth: number): Event => ({
  id: random.uuid(),
  type: 'KEYS_ROTATED',
  outcome: 'success',
  at: clock.wall(),
  actor: 'library',
  connection: 'default',
  subject: `subject-${nth % 50}`,
  generation: nth,
  correlationId: 'one',
  data: { keys: 1, values: 1 },
})

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const limit = { timeout: 120_000 }

it('loses no event when processes are killed during deliveries, and the audit log verifies', limit, () =>
  inFolder(async (folder) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const path = join(folder, 'guestpass.db')
    const open = () => openStore(path, { clock, route: webhookRoute })
    const events = Array.from({ length: EVENTS }, (_, nth) => eventOf(nth))
    const first = await open()
    await first.commit({ connection: 'default', events })
    await first.close()

    const delays = seededRandom(7)
    const deliver = (round: number) => program('deliver-webhooks', path, url, secret.reveal(), String(round * MINUTE))
    for (let round = 0; round < KILLS; round += 1) {
      // What the one before had under way is still answered, and must not kill this one.
      requested = () => {}
      const { process, lines, begun } = deliver(round)
      await begun
      let left = Math.floor(delays.float() * 15)
      requested = () => {
        if ((left -= 1) < 0) process.kill('SIGKILL')
      }
      expect(await lines).toContain('begun')
      expect(process.signalCode).toBe('SIGKILL')
    }
    requested = () => {}
    expect(await deliver(KILLS).lines).toEqual(['begun'])

    const ids = new Set(events.map(({ id }) => id))
    expect(new Set(came)).toEqual(ids)
    expect(came.length - ids.size).toBeLessThanOrEqual(KILLS * BATCH)
    const store = await open()
    const synced = new Set<unknown>()
    for await (const { type, data } of eventsOf(store, 'default'))
      if (type === 'WEBHOOK_SYNCED') synced.add(data?.['event'])
    expect(synced).toEqual(ids)
    expect(await store.outbox.counts('webhook:default:one')).toEqual({ waiting: 0, deadLetters: 0 })
    expect(await auditLog('default', { store, clock }).verify()).toMatchObject({ valid: true })
    await store.close()
  }),
)
