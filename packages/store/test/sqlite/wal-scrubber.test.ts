import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { guestRecords, Secret, type Store } from '@guestpass/core'
import { systemClock } from '@guestpass/core/runtime-kit'
import { type Credential, profileSecret } from '@guestpass/core/store-kit'
import { describe, expect, it } from 'vitest'
import { inFolder, openStore, random } from '../helpers/open-store.ts'

const ANN: Credential = {
  connection: 'default',
  id: '3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90',
  kind: 'guest',
  api: 'engagements',
  subject: 'subject-1',
  generation: 1,
  status: 'active',
  createdAt: 0,
  profile: profileSecret({ email: 'ann@example.com', name: 'Ann' }),
}

/** A store with a guest; another connection reads it, as a backup does; time is moved by hand. */
async function world(folder: string) {
  const path = join(folder, 'guestpass.db')
  let up = 0
  const clock = { ...systemClock(), monotonic: () => up }
  const store = await openStore(path, { clock })
  await store.commit({ connection: 'default', writes: [{ credential: ANN, expect: { generation: 0 } }] })
  const reader = new DatabaseSync(path, { readOnly: true })
  const { profile } = reader.prepare('select profile from credentials').get() ?? {}
  const { key } = reader.prepare('select key from profile_keys').get() ?? {}
  return {
    path,
    store,
    clock,
    wait: (ms: number) => (up += ms),
    read: () => {
      reader.exec('begin')
      reader.prepare('select count(*) from credentials').get()
    },
    readNoMore: () => reader.close(),
    /** Files that hold the sealed profile or its key. */
    async holding(): Promise<readonly string[]> {
      const found: string[] = []
      for (const end of ['', '-wal']) {
        const bytes = await readFile(path + end).catch(() => Buffer.alloc(0))
        if ([profile, key].some((part) => bytes.includes(Buffer.from(part as Uint8Array)))) found.push(end || 'file')
      }
      return found
    },
  }
}

const erase = (store: Store) => guestRecords({ connection: 'default' }, { store, random }).erase(ANN.id)
const touched = (store: Store) => store.setFact('default', 'any', random.uuid())

describe('erased data in the write-ahead log', () => {
  it('is gone at once when no other connection reads, and nothing is reported', async () => {
    await inFolder(async (folder) => {
      const { store, holding, readNoMore } = await world(folder)
      readNoMore()
      expect((await erase(store)).remains.join()).not.toContain('this store')
      expect([await holding(), await store.tracesSince?.()]).toEqual([[], undefined])
      await store.close()
    })
  })

  it('is reported while a reader keeps it, and noted in the store', async () => {
    await inFolder(async (folder) => {
      const { store, path, read, holding, readNoMore } = await world(folder)
      read()
      expect((await erase(store)).remains.join()).toContain('this store')
      expect(await holding()).toContain('-wal')
      const other = await openStore(path)
      expect([await store.tracesSince?.(), await other.tracesSince?.()]).toEqual([
        expect.any(Number),
        expect.any(Number),
      ])
      readNoMore()
      await Promise.all([store.close(), other.close()])
    })
  })

  it('is removed by the first call of the next process', async () => {
    await inFolder(async (folder) => {
      const { store, path, read, holding, readNoMore } = await world(folder)
      read()
      await erase(store)
      readNoMore()
      const next = await openStore(path)
      await next.find('default', 'any')
      expect([await holding(), await next.tracesSince?.()]).toEqual([[], undefined])
      await Promise.all([store.close(), next.close()])
    })
  })

  it('is removed within seconds by a process that was running', async () => {
    await inFolder(async (folder) => {
      const { store, path, clock, wait, read, holding, readNoMore } = await world(folder)
      const keeper = await openStore(path, { clock })
      await touched(keeper)
      read()
      await erase(store)
      readNoMore()
      await touched(keeper)
      expect(await holding()).toContain('-wal')
      wait(5_000)
      await touched(keeper)
      expect(await holding()).toEqual([])
      await Promise.all([store.close(), keeper.close()])
    })
  })

  it('is removed after a kill of the erasing process', async () => {
    await inFolder(async (folder) => {
      const { store, path, wait, holding, readNoMore } = await world(folder)
      readNoMore()
      // As the commit leaves it: the mark is written with the erasure, the log is not cut yet.
      const raw = new DatabaseSync(path)
      raw.exec('pragma secure_delete = on')
      raw.exec('insert into facts values (\'\', \'erasure-traces\', \'{"id":"1","since":1}\')')
      raw.exec(
        "update credentials set profile = null; delete from profile_keys; update credentials set standing = 'erased'",
      )
      raw.close()
      expect(await holding()).toContain('-wal')
      wait(5_000)
      await touched(store)
      expect([await holding(), await store.tracesSince?.()]).toEqual([[], undefined])
      await store.close()
    })
  })

  it('is reported by each further erasure until it is gone', async () => {
    await inFolder(async (folder) => {
      const { store, wait, read, readNoMore } = await world(folder)
      read()
      await erase(store)
      expect((await erase(store)).remains.join()).toContain('this store')
      readNoMore()
      wait(5_000)
      expect((await erase(store)).remains.join()).not.toContain('this store')
      await store.close()
    })
  })

  it('is noted for retired data keys too', async () => {
    await inFolder(async (folder) => {
      const { store, read, wait, readNoMore } = await world(folder)
      read()
      await store.keys.rotate()
      expect(await store.tracesSince?.()).toEqual(expect.any(Number))
      readNoMore()
      wait(5_000)
      await touched(store)
      expect(await store.tracesSince?.()).toBeUndefined()
      await store.close()
    })
  })

  it('does not block other calls while it cannot be removed', async () => {
    await inFolder(async (folder) => {
      const { store, read, wait, readNoMore } = await world(folder)
      read()
      await erase(store)
      for (let nth = 0; nth < 3; nth += 1) {
        wait(5_000)
        await store.commit({
          connection: 'default',
          writes: [{ credential: { ...ANN, id: `${nth}`, profile: new Secret('{}') }, expect: { generation: 0 } }],
        })
      }
      expect((await store.find('default', '2')).credential?.id).toBe('2')
      readNoMore()
      await store.close()
    })
  })
})
