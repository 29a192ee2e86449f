import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { guestRecords, type Store } from '@guestpass/core'
import { guestIn } from '@guestpass/core/store-kit'
import { describe, expect, it } from 'vitest'
import type { SealedStore } from '../../src/sqlite/index.ts'
import { program } from '../helpers/child-process.ts'
import { inFolder, openStore, random } from '../helpers/open-store.ts'
import { personGuest } from '../helpers/person-guest.ts'

const FORMER = new URL('../../../../fixtures/store/0004-due-documents.sql', import.meta.url)

const ANN = 'ann@example.com'
const WEB = '3fa85f64-5717-4562-b3fc-2c963f66afa6'

/** A store as the version without pseudonyms left it. */
async function formerStore(folder: string): Promise<string> {
  const path = join(folder, 'guestpass.db')
  const database = new DatabaseSync(path)
  database.exec(await readFile(FORMER, 'utf8'))
  database.close()
  return path
}

const recordsOf = (store: Store) => guestRecords({ connection: 'default' }, { store, random })

/** A column of each row of a query, by a connection of its own. Default: the first. */
function column(path: string, query: string, name?: string): unknown[] {
  const database = new DatabaseSync(path)
  try {
    return database
      .prepare(query)
      .all()
      .map((row) => (name === undefined ? Object.values(row)[0] : row[name]))
  } finally {
    database.close()
  }
}

const unindexed = async (store: SealedStore): Promise<number> =>
  (await store.list('default', { kind: 'guest', unindexed: true, limit: 1_000 })).credentials.length

async function putGuests(store: SealedStore, count: number, email: (nth: number) => string): Promise<void> {
  const writes = Array.from({ length: count }, (_, nth) => ({
    credential: personGuest(`guest-${String(nth).padStart(4, '0')}`, email(nth)),
    expect: { generation: 0 },
  }))
  await store.commit({ connection: 'default', writes })
}

describe('the search for a person in a store of the version before', () => {
  it('finds, exports and erases by address and channel, and indexes every guest with a profile', async () => {
    await inFolder(async (folder) => {
      const path = await formerStore(folder)
      const store = await openStore(path)
      const records = recordsOf(store)
      expect(await unindexed(store)).toBe(3)
      const found = await records.find({ email: ' ANN@example.com' })
      expect(found.map(({ api, status }) => [api, status])).toEqual([
        ['engagements', 'active'],
        ['engagements', 'active'],
      ])
      expect(await unindexed(store)).toBe(0)
      expect((await records.export({ email: ANN, channelId: WEB })).guests).toMatchObject([
        { channelId: WEB, profile: { email: ANN, name: 'ann' } },
      ])
      expect(await records.find({ email: 'carol@example.com' })).toEqual([])
      expect((await records.erase({ email: ANN })).guests).toHaveLength(2)
      expect(await records.find({ email: ANN })).toEqual([])
      expect(await records.find({ email: 'bob@example.com' })).toHaveLength(1)
      await store.close()
      // Bob alone is left.
      expect(column(path, 'select id from credentials where person is not null')).toHaveLength(1)
    })
  })

  it('finds a guest that a process of the version before still writes, and clears what it left of an erased one', async () => {
    await inFolder(async (folder) => {
      const path = await formerStore(folder)
      const store = await openStore(path)
      const records = recordsOf(store)
      await records.find({ email: ANN })
      // The former version names neither the column nor its index.
      column(
        path,
        'update credentials set person = null, revision = revision + 1 where profile is not null returning id',
      )
      expect(await records.find({ email: ANN })).toHaveLength(2)
      const [erased] = column(
        path,
        'update credentials set profile = null, tokens = null where person is not null returning id',
      )
      expect(await records.find({ email: ANN })).toHaveLength(0)
      expect(guestIn(await store.find('default', String(erased)))).not.toHaveProperty('person')
      expect(column(path, 'select id from credentials where person is not null')).toEqual([])
      await store.close()
    })
  })

  it('continues after a kill in the middle of the first search', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const before = await openStore(path)
      await putGuests(before, 450, (nth) => (nth === 449 ? ANN : `other-${nth}@example.com`))
      await before.close()
      // The first commit makes the key of the pseudonyms, the second one indexes a page.
      const killed = program('find-person', path, ANN, '2')
      await killed.lines
      expect(killed.process.signalCode).toBe('SIGKILL')
      const store = await openStore(path)
      expect(await unindexed(store)).toBe(250)
      expect((await recordsOf(store).find({ email: ANN })).map(({ guestId }) => guestId)).toEqual(['guest-0449'])
      expect(await unindexed(store)).toBe(0)
      await store.close()
    })
  })

  it('keeps what another process writes while it indexes', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const store = await openStore(path)
      const other = await openStore(path)
      await putGuests(store, 3, () => ANN)
      let isFirst = true
      const racing: Store = {
        ...store,
        async commit(change) {
          if (isFirst && change.writes) {
            isFirst = false
            const credential = { ...personGuest('guest-0001', ANN), status: 'in_doubt' as const }
            await other.commit({ connection: 'default', writes: [{ credential, expect: { generation: 1 } }] })
          }
          return store.commit(change)
        },
      }
      const found = await recordsOf(racing).find({ email: ANN })
      expect(found.map(({ status }) => status)).toEqual(['active', 'in_doubt', 'active'])
      expect(await unindexed(store)).toBe(0)
      for (const one of [store, other]) await one.close()
    })
  })
})

describe('the search for a person', () => {
  it('reads by an index, and creates no key for a connection without guests', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const store = await openStore(path)
      expect(await recordsOf(store).find({ email: ANN })).toEqual([])
      expect(await store.connections()).toEqual([])
      await store.close()
      for (const [condition, index] of [
        ["person = 'x'", 'credentials_by_person'],
        ['(profile is null) <> (person is null)', 'credentials_unindexed'],
      ]) {
        const query = `select id from credentials where connection = 'a' and kind = 'guest' and id > '' and ${condition}`
        expect(column(path, `explain query plan ${query} order by id`, 'detail').join(' ')).toContain(`INDEX ${index}`)
      }
    })
  })
})
