import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GuestpassError, Secret, type Store } from '@guestpass/core'
import type { Credential } from '@guestpass/core/store-kit'
import { describe, expect, it } from 'vitest'
import { fileKeyRing, tryWrite } from '../../src/sqlite/index.ts'
import { openStore, random } from '../helpers/open-store.ts'
import { mayMount, onSmallDisk, type SmallDisk } from '../helpers/small-disk.ts'

const AT = Date.UTC(2026, 0, 1)
const guest = (generation: number, note = ''): Credential => ({
  connection: 'default',
  id: 'alice',
  kind: 'guest',
  api: 'guest-tokens',
  subject: 'subject-1',
  generation,
  status: 'active',
  createdAt: AT,
  request: { channelId: note },
  tokens: {
    access: new Secret(`test-secret-access-${generation}`),
    refresh: new Secret(`test-secret-refresh-${generation}`),
    scopes: [],
    verified: true,
    sentAt: AT,
    expiresAt: AT + 1,
    renewAt: AT,
  },
})
const happened = (id: string) =>
  ({
    id,
    type: 'REFRESH_COMPLETED',
    outcome: 'success',
    at: AT,
    actor: 'library',
    connection: 'default',
    subject: 'subject-1',
    generation: 1,
    correlationId: 'one',
    data: { api: 'guest-tokens', verified: true },
  }) as const

const commit = (store: Store, generation: number, note?: string): Promise<string> =>
  store.commit({
    connection: 'default',
    writes: [{ credential: guest(generation, note), expect: { generation: generation - 1 } }],
    events: [happened(`event-${generation}`)],
  })

async function fault(work: () => Promise<unknown>): Promise<GuestpassError> {
  try {
    await work()
  } catch (thrown) {
    if (thrown instanceof GuestpassError) return thrown
    throw thrown
  }
  throw new Error('It did not fail.')
}

async function expectFull(path: string, work: () => Promise<unknown>): Promise<void> {
  const { code, reason, retryable, message } = await fault(work)
  expect({ code, reason, retryable, message }).toEqual({
    code: 'store_unavailable',
    reason: 'disk_full',
    retryable: true,
    message: `The disk is full: the store ${path} cannot grow. Free space on the disk.`,
  })
}

/** Everything that writes. */
const ask = { perMinute: 60, burst: 1, permits: 1, maxWaitMs: 1_000 }
const writes: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  'a commit': (store) => commit(store, 2),
  'a lease': (store) => store.lease('default', 'renewal', 'me', 1_000),
  'the end of a lease': (store) => store.release('default', 'held', 'me'),
  'a reservation of permits': (store) => store.reservePermits('default', 'oauth', ask),
  'feedback of a rate limit': (store) => store.applyFeedback('default', 'oauth', { pauseMs: 1 }),
  'a fact': (store) => store.setFact('default', 'keys', 'x'),
  'a claim on guests': (store) => store.claimDue('default', { max: 1, leaseMs: 1, keepForMs: 1e12 }),
  'a claim on messages': (store) => store.outbox.claim('audit', 1, 1_000),
  'the outcome of a message': (store) => store.outbox.settle('audit', [{ event: 'event-1', then: 'done' }]),
  'the routing of a message': (store) => store.outbox.route('audit', [{ event: 'event-1', to: ['x'] }]),
  'posting a letter': (store) => store.outbox.enqueue('default', 'x', ['event-1']),
  'dropping a queue': (store) => store.outbox.drop('audit'),
}

const prepared = async ({ folder }: SmallDisk) => {
  const path = join(folder, 'guestpass.db')
  const store = await openStore(path, { route: () => ['audit'] })
  await commit(store, 1)
  await store.lease('default', 'held', 'me', 60_000)
  return { path, store }
}

describe.skipIf(!mayMount)('a full disk', () => {
  for (const [title, write] of Object.entries(writes)) {
    it(`is reported by ${title}, which succeeds once there is space`, async () => {
      await onSmallDisk(async (disk) => {
        const { path, store } = await prepared(disk)
        disk.fill()
        await expectFull(path, () => write(store))
        await expectFull(path, () => write(store))
        expect((await store.find('default', 'alice')).credential?.generation).toBe(1)
        disk.empty()
        await write(store)
        await store.close()
      })
    })
  }

  it('is reported by each of many concurrent changes, and by a key rotation', async () => {
    await onSmallDisk(async (disk) => {
      const { path, store } = await prepared(disk)
      disk.fill()
      const all = Array.from({ length: 20 }, (_, nth) => expectFull(path, () => store.setFact('default', `${nth}`, 1)))
      await Promise.all(all)
      await expectFull(path, () => store.keys.rotate())
      disk.empty()
      expect(await commit(store, 2)).toBe('done')
      expect((await store.keys.rotate()).values).toBe(1)
      await store.close()
    })
  })

  it('is reported when a new or existing store is opened, and when a key file is created', async () => {
    await onSmallDisk(async (disk) => {
      const { path, store } = await prepared(disk)
      await store.close()
      disk.fill()
      await expectFull(path, () => openStore(path))
      await expectFull(join(disk.folder, 'new.db'), () => openStore(join(disk.folder, 'new.db')))
      const { code, reason, message } = await fault(() => fileKeyRing(join(disk.folder, 'key'), { random }))
      expect([code, reason, message]).toEqual([
        'store_unavailable',
        'disk_full',
        expect.stringContaining('disk is full'),
      ])
      await expectFull(path, () => tryWrite(path, random))
      disk.empty()
      await tryWrite(path, random)
      const again = await openStore(path)
      expect(await commit(again, 2)).toBe('done')
      await again.close()
    })
  })

  it('accepts one more commit with a reserve, and reports a missing reserve before a token is spent', async () => {
    await onSmallDisk(async (disk) => {
      const { path, store } = await prepared(disk)
      await store.ensureRoom()
      await store.ensureRoom()
      expect((await stat(`${path}-reserve`)).mode & 0o777).toBe(0o600)
      disk.fill()
      await store.ensureRoom()
      await expectFull(path, () => store.setFact('default', 'keys', 'x'))
      expect(await commit(store, 2, 'x'.repeat(20_000))).toBe('done')
      disk.fill()
      await expectFull(path, () => store.ensureRoom())
      await expectFull(path, () => commit(store, 3))
      expect(await readdir(disk.folder)).not.toContain('guestpass.db-reserve')
      disk.empty()
      await store.ensureRoom()
      expect(await commit(store, 3)).toBe('done')
      await store.close()
    })
  })

  it('accepts, with a reserve, both the intent before a request and the tokens of its answer', async () => {
    await onSmallDisk(async (disk) => {
      const { store } = await prepared(disk)
      await store.ensureRoom()
      disk.fill()
      for (const generation of [2, 3]) expect(await commit(store, generation, 'x'.repeat(1_500))).toBe('done')
      await store.close()
    })
  })

  it('keeps one reserve that all processes see and one commit may use', async () => {
    await onSmallDisk(async (disk) => {
      const { path, store } = await prepared(disk)
      const other = await openStore(path)
      await Promise.all([store, other, store, other].map((one) => one.ensureRoom()))
      disk.fill()
      await other.ensureRoom()
      expect(await commit(other, 2)).toBe('done')
      disk.fill()
      await expectFull(path, () => store.ensureRoom())
      for (const one of [store, other]) await one.close()
    })
  })

  it('stores as many concurrent changes as the reserve has space for', async () => {
    await onSmallDisk(async (disk) => {
      const { path, store } = await prepared(disk)
      await store.ensureRoom()
      disk.fill()
      const change = (nth: number) =>
        store.commit({
          connection: 'default',
          writes: [{ credential: { ...guest(1, 'x'.repeat(20_000)), id: `guest-${nth}` }, expect: { generation: 0 } }],
          events: [happened(`many-${nth}`)],
        })
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, async (_, nth) => change(nth).catch((thrown: GuestpassError) => thrown.reason)),
      )
      expect([...new Set(outcomes)].sort((a = '', b = '') => a.localeCompare(b))).toEqual(['disk_full', 'done'])
      const stored = await Promise.all(outcomes.map((_, nth) => store.find('default', `guest-${nth}`)))
      expect(stored.map(({ revision }) => (revision === 1 ? 'done' : 'disk_full'))).toEqual(outcomes)
      const { links } = await store.chain('default', { limit: 99 })
      expect(links.map(({ count }) => count)).toEqual(links.map((_, at) => at + 1))
      expect(links.length).toBe(1 + outcomes.filter((outcome) => outcome === 'done').length)
      await expectFull(path, () => store.ensureRoom())
      await store.close()
    })
  })

  it('is reported by a migration, which continues once there is space', async () => {
    await onSmallDisk(async (disk) => {
      const path = join(disk.folder, 'guestpass.db')
      const database = new DatabaseSync(path)
      database.exec(
        await readFile(
          new URL('../../../../fixtures/store/0002-profiles-documents-chain.sql', import.meta.url),
          'utf8',
        ),
      )
      database.close()
      let full = 0
      for (let opened = false; !opened; ) {
        disk.fill(full * 8_192)
        const store = await openStore(path).catch((thrown: GuestpassError) => thrown)
        disk.empty()
        if (store instanceof GuestpassError) {
          expect(store.reason).toBe('disk_full')
          full += 1
          continue
        }
        opened = true
        expect([(await store.chainHead('default')).count, (await store.chainHead('second')).count]).toEqual([20, 3])
        await store.close()
      }
      expect(full).toBeGreaterThan(3)
    })
  })

  it('completes a reserve that a process left incomplete', async () => {
    await onSmallDisk(async (disk) => {
      const { path, store } = await prepared(disk)
      await writeFile(`${path}-reserve`, 'begun')
      await store.ensureRoom()
      expect((await stat(`${path}-reserve`)).size).toBe(128 * 1024)
      await store.close()
    })
  })
})
