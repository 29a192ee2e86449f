import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Secret, type Store } from '@guestpass/core'
import type { Credential } from '@guestpass/core/store-kit'
import { type FakeClock, fakeClock } from '@guestpass/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { inFolder, openStore } from '../helpers/open-store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const ask = { max: 9, leaseMs: MINUTE, keepForMs: HOUR }

const guest = (id: string, renewAt: number): Credential => ({
  connection: 'default',
  id,
  kind: 'guest',
  api: 'guest-tokens',
  subject: 'subject-1',
  generation: 1,
  status: 'active',
  createdAt: 0,
  tokens: {
    access: new Secret(`test-secret-access-${id}`),
    scopes: [],
    verified: true,
    sentAt: 0,
    expiresAt: renewAt + HOUR,
    renewAt,
  },
})

const putAll = (store: Store, guests: readonly Credential[]): Promise<string> =>
  store.commit({
    connection: 'default',
    writes: guests.map((credential) => ({ credential, expect: { generation: 0 } })),
  })

interface Place {
  readonly store: Store
  readonly clock: FakeClock
  readonly path: string
}

const withStore = (body: (place: Place) => Promise<void>): Promise<void> =>
  inFolder(async (folder) => {
    const path = join(folder, 'guestpass.db')
    const clock = fakeClock()
    const store = await openStore(path, { clock, busyMs: 50 })
    await body({ store, clock, path })
    await store.close()
  })

/** How often another connection has written to the file, by SQLite's own count. */
function writesSeen(database: DatabaseSync): unknown {
  return database.prepare('pragma data_version').get()?.['data_version']
}

/** Runs `body` while another connection holds the write lock. */
async function whileLocked(path: string, body: () => Promise<void>): Promise<void> {
  const hog = new DatabaseSync(path)
  try {
    hog.exec('begin immediate')
    await body()
  } finally {
    hog.close()
  }
}

/** The query plans of all queries that run in the meantime. */
async function plansOf(path: string, body: () => Promise<unknown>): Promise<string[]> {
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
  try {
    await body()
    const texts = [...new Set(prepare.mock.calls.map(([text]) => text))].filter((text) =>
      /^(select|update) /.test(text),
    )
    prepare.mockRestore()
    const database = new DatabaseSync(path)
    const plans = texts.flatMap((text) => database.prepare(`explain query plan ${text}`).all())
    database.close()
    return plans.map(({ detail }) => String(detail)).filter((detail) => detail.includes('credentials'))
  } finally {
    prepare.mockRestore()
  }
}

describe('a claim of due guests', () => {
  it('uses indexes, scans no table and sorts no rows', async () => {
    await withStore(async ({ store, clock, path }) => {
      const now = clock.wall()
      const plans = await plansOf(path, async () => {
        await store.claimDue('default', ask)
        await putAll(store, [guest('alice', now), guest('bob', now + MINUTE)])
        await store.claimDue('default', ask)
      })
      expect(plans.filter((plan) => /scan credentials|temp b-tree/i.test(plan))).toEqual([])
      const uses = [
        'INDEX credentials_by_due (connection=? AND due_at<?)',
        'COVERING INDEX credentials_by_due (connection=? AND due_at<?)',
        'COVERING INDEX credentials_by_due (connection=? AND due_at>?)',
        'INDEX credentials_lapsed (connection=? AND touched_at>?)',
      ]
      expect(uses.filter((use) => !plans.some((plan) => plan.includes(`USING ${use}`)))).toEqual([])
    })
  })

  it('does not wait for a writer while no guest is due', async () => {
    await withStore(async ({ store, clock, path }) => {
      await putAll(store, [guest('alice', clock.wall()), guest('bob', clock.wall() + HOUR)])
      await store.claimDue('default', ask)
      await whileLocked(path, async () => {
        expect(await store.claimDue('default', ask)).toEqual({ now: clock.wall(), claimed: [], nextInMs: MINUTE })
      })
    })
  })

  it('reads guests that are not in use once, then no more', async () => {
    await withStore(async ({ store, clock, path }) => {
      await putAll(store, [guest('left', clock.wall())])
      clock.stepWall(2 * HOUR)
      await store.claimDue('default', ask)
      await whileLocked(path, async () => {
        expect(await store.claimDue('default', ask)).toEqual({ now: clock.wall(), claimed: [] })
      })
    })
  })

  it('requests another claim at once when more rows are not in use than one claim marks', async () => {
    await withStore(async ({ store, clock }) => {
      const left = Array.from({ length: 1_500 }, (_, nth) => guest(`left-${nth}`, clock.wall()))
      await putAll(store, left)
      clock.stepWall(2 * HOUR)
      await putAll(store, [guest('alice', clock.wall())])
      const first = await store.claimDue('default', ask)
      const second = await store.claimDue('default', ask)
      expect([first.claimed, first.nextInMs]).toEqual([[], 0])
      expect(second.claimed.map(({ id }) => id)).toEqual(['alice'])
      // All of them at once come back in turns too.
      const wider = { ...ask, max: 1_000, keepForMs: 3 * HOUR }
      const third = await store.claimDue('default', wider)
      expect([third.claimed, third.nextInMs]).toEqual([[], 0])
      const fourth = await store.claimDue('default', wider)
      const fifth = await store.claimDue('default', wider)
      expect(fourth.claimed.length + fifth.claimed.length).toBe(1_500)
    })
  })

  it('reports the next due time too early, not too late, when many guests before it are not in use', async () => {
    await withStore(async ({ store, clock }) => {
      const now = clock.wall()
      const left = Array.from({ length: 150 }, (_, nth) => guest(`left-${nth}`, now + 3 * HOUR + nth))
      await putAll(store, left)
      clock.stepWall(2 * HOUR)
      await putAll(store, [guest('alice', now + 4 * HOUR)])
      expect((await store.claimDue('default', ask)).nextInMs).toBe(HOUR + 99)
      clock.stepWall(HOUR + 150)
      await store.touch('default', 'alice')
      expect((await store.claimDue('default', ask)).nextInMs).toBe(HOUR - 150)
    })
  })
})

describe('a touch', () => {
  it('is written at most once a minute', async () => {
    await withStore(async ({ store, clock, path }) => {
      await putAll(store, [guest('alice', clock.wall() + HOUR)])
      const watcher = new DatabaseSync(path)
      const versions: unknown[] = []
      for (const ms of [0, MINUTE - 1, 1, MINUTE - 1, 1]) {
        clock.stepWall(ms)
        await store.touch('default', 'alice')
        versions.push(writesSeen(watcher))
      }
      const [first, ...rest] = versions
      expect(rest.map((version) => Number(version) - Number(first))).toEqual([0, 1, 1, 2])
      watcher.close()
    })
  })

  it('corrects a time that a clock that was ahead has written', async () => {
    await withStore(async ({ store, clock }) => {
      await putAll(store, [guest('alice', clock.wall())])
      clock.stepWall(48 * HOUR)
      await store.touch('default', 'alice')
      clock.stepWall(-48 * HOUR)
      await store.touch('default', 'alice')
      clock.stepWall(2 * HOUR)
      expect((await store.claimDue('default', ask)).claimed).toEqual([])
    })
  })
})
