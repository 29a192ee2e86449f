// A process of its own that does one thing to a store, for tests of what several processes do at once.
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { GuestpassError, Secret, type Store } from '@guestpass/core'
import { systemClock, systemRandom } from '@guestpass/core/runtime-kit'
import type { Credential } from '@guestpass/core/store-kit'
import { fileKeyRing, type SealedStore, sqliteStore } from '../../../src/sqlite/index.ts'

const [verb = '', folder = '', amount = '1'] = process.argv.slice(2)
const random = systemRandom()
const say = (line: string): void => {
  for (;;) {
    try {
      writeSync(1, `${line}\n`)
      return
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown
      // The reader of the pipe is busy.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}

const open = async (): Promise<SealedStore> => {
  const { ring: keyRing, made } = await fileKeyRing(join(folder, 'guestpass.key'), { random })
  if (made) say('made')
  const route = (): string[] => ['audit']
  return sqliteStore({
    path: join(folder, 'guestpass.db'),
    keyRing,
    clock: systemClock(),
    random,
    route,
    busyMs: 60_000,
  })
}

const credential = (id: string, generation: number): Credential => ({
  connection: 'default',
  id,
  kind: 'guest',
  api: 'guest-tokens',
  subject: 'subject-1',
  generation,
  status: 'active',
  createdAt: 0,
  tokens: {
    access: new Secret(`test-secret-access-${id}-${generation}`),
    refresh: new Secret(`test-secret-refresh-${id}-${generation}`),
    scopes: [],
    verified: true,
    sentAt: 0,
    expiresAt: 1,
    renewAt: 1,
  },
})

const eventOf = (id: string, generation: number) => ({
  id: random.uuid(),
  type: 'TOKEN_GENERATED_SUCCESS' as const,
  outcome: 'success' as const,
  at: 0,
  actor: 'library',
  connection: 'default',
  subject: id,
  generation,
  correlationId: 'c',
  data: { api: 'guest-tokens', verified: true },
})

/** Writes the next generation of a row; undefined if another process did. */
async function increment(store: Store, id: string): Promise<number | undefined> {
  const generation = ((await store.find('default', id)).credential?.generation ?? 0) + 1
  const outcome = await store.commit({
    connection: 'default',
    writes: [{ credential: credential(id, generation), expect: { generation: generation - 1 } }],
    events: [eventOf(id, generation)],
  })
  return outcome === 'done' ? generation : undefined
}

const verbs: Readonly<Record<string, (store: SealedStore) => Promise<void>>> = {
  async open() {},
  /** Commits for ever on several rows at once, and says what was acknowledged. */
  async commit(store) {
    const row = async (id: string): Promise<void> => {
      for (;;) {
        const generation = await increment(store, id)
        if (generation) say(`${id} ${generation}`)
      }
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(row))
  },
  async count(store) {
    for (let left = Number(amount); left > 0; ) if (await increment(store, 'shared')) left -= 1
  },
  async permits(store) {
    const ask = { perMinute: 0.001, burst: 50, permits: 1, maxWaitMs: 0 }
    let granted = 0
    for (let nth = 0; nth < Number(amount); nth += 1) {
      if ((await store.reservePermits('default', 'oauth', ask)).granted) granted += 1
    }
    say(`granted ${granted}`)
  },
  /** Writes guests that are due since ever. */
  async guests(store) {
    const writes = Array.from({ length: Number(amount) }, (_, nth) => credential(`guest-${nth}`, 1))
    await store.commit({
      connection: 'default',
      writes: writes.map((next) => ({ credential: next, expect: { generation: 0 } })),
    })
  },
  async keep(store) {
    for (;;) {
      const { claimed } = await store.claimDue('default', { max: 7, leaseMs: 3_600_000, keepForMs: 3_600_000 })
      if (claimed.length === 0) break
      for (const { id } of claimed) say(`claimed ${id}`)
    }
  },
  /** Says how far it is after every batch. */
  async rotate(store) {
    for (let left = Number(amount); left > 0; left -= 1) {
      await store.keys.rotate({ onProgress: ({ done, total }) => say(`${done} of ${total}`) })
    }
  },
  async claim(store) {
    for (;;) {
      const due = await store.outbox.claim('audit', 7, 3_600_000)
      if (due.length === 0) break
      for (const { event } of due) say(`claimed ${event.id}`)
    }
  },
}

try {
  const store = await open()
  await verbs[verb]?.(store)
  await store.close()
  say('ok')
} catch (thrown) {
  say(thrown instanceof GuestpassError ? `${thrown.code} ${thrown.message}` : String(thrown))
  process.exitCode = 1
}
