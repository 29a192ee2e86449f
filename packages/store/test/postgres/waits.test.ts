import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '@guestpass/core'
import { systemRandom } from '@guestpass/core/runtime-kit'
import { expect, it } from 'vitest'
import { createDatabaseClock } from '../../src/postgres/database-clock.ts'
import { createNewestKeyCache } from '../../src/postgres/newest-key-cache.ts'
import { UnknownCommit } from '../../src/postgres/errors.ts'
import { createGroups } from '../../src/postgres/groups.ts'
import { createOutageMemory } from '../../src/postgres/outage-memory.ts'
import type { PgPool } from '../../src/postgres/pool.ts'
import { read, transact, type TransactionParts } from '../../src/postgres/transactions.ts'
import { HOME } from '../helpers/samples.ts'

const WAIT = 10_000
/** What a try that has begun gets for its answers. */
const GRACE = 2_000

/** A server that stops to answer, and a clock that moves by the waits for it. `meanwhile`: what happens then, by time. */
function hangingServer(hangs: (text: string) => boolean, meanwhile: (readonly [at: number, () => void])[] = []) {
  let now = 0
  const wait = (ms: number, message: string): never => {
    const end = now + ms
    while (meanwhile[0] && meanwhile[0][0] <= end) {
      const [at, happen] = meanwhile.shift() ?? [end, () => {}]
      now = Math.max(now, at)
      happen()
    }
    now = end
    throw new Error(message)
  }
  const clock: Clock = {
    wall: () => now,
    monotonic: () => now,
    sleep: async (ms) => void (now += ms),
  }
  const pool: PgPool = {
    async connect(withinMs = WAIT) {
      // What has ended is measured before the clock moves on.
      await turn()
      if (hangs('connect')) wait(withinMs, 'timeout exceeded when trying to connect')
      return {
        async query(text, _values, answerMs = 12_000) {
          if (hangs(text)) wait(answerMs, 'Query read timeout')
          return { command: 'COMMIT', rowCount: 1, rows: [{ now, is_void: 1 }] }
        },
        release: () => {},
      }
    },
    close: async () => {},
  }
  const databaseClock = createDatabaseClock(clock)
  const newestKeys = createNewestKeyCache()
  const limits = { waitMs: WAIT, lockMs: 5_000, statementMs: 10_000, idleMs: 5_000 }
  const outages = { reads: createOutageMemory(clock, WAIT), writes: createOutageMemory(clock, WAIT) }
  const parts: TransactionParts = {
    pool,
    clock,
    random: systemRandom(),
    databaseClock,
    newestKeys,
    outages,
    checkNeeded: () => {},
    ...limits,
  }
  return { parts, now: () => now }
}

/** Hangs from the first statement that contains `word`. */
function from(word: string): (text: string) => boolean {
  let isGone = false
  return (text) => (isGone ||= text.includes(word))
}

const durable = { connection: HOME, commit: 'durable', isShared: false } as const

for (const word of ['connect', 'begin;', 'commit_ids']) {
  it(`a write waits no longer than its bound if the server hangs from its ${word}`, async () => {
    const { parts, now } = hangingServer(from(word))
    const thrown: unknown = await transact(parts, durable, async () => 'written').catch((error: unknown) => error)
    expect(now()).toBeLessThanOrEqual(WAIT + GRACE)
    expect(thrown instanceof UnknownCommit).toBe(word === 'commit_ids')
  })
}

for (const word of ['connect', 'select']) {
  it(`a read waits no longer than its bound if the server hangs from its ${word}`, async () => {
    const { parts, now } = hangingServer(from(word))
    await expect(read(parts, async () => 'read')).rejects.toThrow(/timeout/)
    expect(now()).toBeLessThanOrEqual(WAIT + GRACE)
  })
}

it('calls fail after one try if the server has been gone for as long as a call waits', async () => {
  let isGone = true
  const { parts, now } = hangingServer((text) => isGone && text === 'connect')
  const write = (): Promise<string> => transact(parts, durable, async () => 'written')
  await expect(write()).rejects.toThrow(/timeout/)
  const failedAt = now()
  await expect(write()).rejects.toThrow(/timeout/)
  expect(now() - failedAt).toBe(GRACE)
  isGone = false
  expect(await write()).toBe('written')
  isGone = true
  const goneAt = now()
  await expect(write()).rejects.toThrow(/timeout/)
  expect(now() - goneAt).toBeGreaterThanOrEqual(WAIT)
})

it('writes that queue behind one that waits for the server wait no longer than their bound', async () => {
  const waits: number[] = []
  const writes: Promise<void>[] = []
  const write = (): void => {
    const began = server.now()
    const ended = (): void => void waits.push(server.now() - began)
    writes.push(
      groups
        .of(HOME, 'durable')(async () => 'written', {})
        .then(ended, ended),
    )
  }
  const server = hangingServer(from('connect'), [
    [1, write],
    [5_000, write],
    [11_000, write],
  ])
  const groups = createGroups(server.parts, { afterWrites: () => {} })
  write()
  await groups.idle()
  await Promise.all(writes)
  expect(waits.length).toBe(4)
  expect(Math.max(...waits)).toBeLessThanOrEqual(WAIT + GRACE)
})
