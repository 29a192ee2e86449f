import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { guestRecords } from '@guestpass/core'
import { systemClock } from '@guestpass/core/runtime-kit'
import { describe, expect, it } from 'vitest'
import {
  backupStore,
  erasureListPath,
  fileKeyRing,
  replacedDatabases,
  type ErasureRecord,
  type RestoreOptions,
  restoreStore,
} from '../../src/sqlite/index.ts'
import { fileError } from '../../src/sqlite/backup.ts'
import { child } from '../helpers/child-process.ts'
import { inFolder, openStore, OTHER_KEY, random, ring } from '../helpers/open-store.ts'
import { personGuest } from '../helpers/person-guest.ts'

const clock = systemClock()

const guest = (id: string) => personGuest(id, `${id}@example.com`)

/** A store with some guests, which is closed again, and the path of a backup of it. */
async function storeAndBackup(folder: string, ids: readonly string[]): Promise<{ path: string; backup: string }> {
  const path = join(folder, 'guestpass.db')
  const store = await openStore(path)
  const writes = ids.map((id) => ({ credential: guest(id), expect: { generation: 0 } }))
  await store.commit({ connection: 'default', writes })
  await store.close()
  const backup = join(folder, 'backup.db')
  await backupStore({ path, to: backup, keyRing: ring(), random })
  return { path, backup }
}

const restore = (path: string, from: string, more: Partial<RestoreOptions<readonly ErasureRecord[]>> = {}) =>
  restoreStore({ path, from, keyRing: ring(), clock, random, prepare: async (_store, erasures) => erasures, ...more })

const idsIn = async (path: string): Promise<readonly string[]> => {
  const store = await openStore(path)
  const { credentials } = await store.list('default', { kind: 'guest', limit: 99 })
  await store.close()
  return credentials.map(({ id }) => id)
}

describe('a backup', () => {
  it('is one private file, consistent although another process writes, and refuses a restore meanwhile', async () => {
    await inFolder(async (folder) => {
      const { ring: keyRing } = await fileKeyRing(join(folder, 'guestpass.key'), { random })
      const path = join(folder, 'guestpass.db')
      const writer = child('commit', folder)
      await writer.begun
      const to = join(folder, 'backup.db')
      expect((await backupStore({ path, to, keyRing, random })).bytes).toBe(statSync(to).size)
      await expect(restore(path, to, { keyRing })).rejects.toMatchObject({ code: 'store_busy' })
      writer.process.kill('SIGKILL')
      await writer.lines
      expect(statSync(to).mode & 0o777).toBe(0o600)
      const store = await openStore(to, { keyRing })
      const { credentials } = await store.list('default', { kind: 'guest', limit: 9 })
      const written = credentials.reduce((sum, { generation }) => sum + generation, 0)
      // Every commit writes the next generation of one guest, and one event.
      expect([written > 0, (await store.chainHead('default')).count]).toEqual([true, written])
      await store.close()
      expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
    })
  })

  it('refuses a file that exists, a missing store, and a store with another key', async () => {
    await inFolder(async (folder) => {
      const { path, backup } = await storeAndBackup(folder, ['ann'])
      const to = join(folder, 'second.db')
      const ask = { path, to, keyRing: ring(), random }
      await expect(backupStore({ ...ask, to: backup })).rejects.toMatchObject({ code: 'invalid_input' })
      await expect(backupStore({ ...ask, path: join(folder, 'none.db') })).rejects.toThrow(/There is no store/)
      await expect(backupStore({ ...ask, keyRing: ring(OTHER_KEY) })).rejects.toMatchObject({ code: 'store_wrong_key' })
      await expect(backupStore({ ...ask, to: join(folder, 'no', 'x.db') })).rejects.toThrow(/no\/x.db.*ENOENT/)
      expect(readdirSync(folder).toSorted()).toEqual(['backup.db', 'guestpass.db'])
    })
  })
})

describe('a full disk', () => {
  it.each([{ errcode: 13 }, { code: 'ENOSPC' }, { code: 'EDQUOT' }])('is that of the copy: %j', (fault) => {
    const files = { at: '/full/b.db.1.part', shown: '/full/b.db', path: '/data/guestpass.db' }
    expect(fileError(Object.assign(new Error('full'), fault), files)).toMatchObject({
      code: 'store_unavailable',
      reason: 'disk_full',
      message: expect.stringMatching(/^The disk of \/full\/b\.db is full\./),
    })
  })
})

describe('a restore', () => {
  it('puts the backup in place of the database, and keeps the former one beside it', async () => {
    await inFolder(async (folder) => {
      const { path, backup } = await storeAndBackup(folder, ['ann'])
      const later = await openStore(path)
      await later.commit({ connection: 'default', writes: [{ credential: guest('bob'), expect: { generation: 0 } }] })
      await later.close()
      const { replaced } = await restore(path, backup)
      expect(await idsIn(path)).toEqual(['ann'])
      expect(await idsIn(String(replaced))).toEqual(['ann', 'bob'])
      expect(await idsIn(backup)).toEqual(['ann'])
      expect(readdirSync(folder).filter((name) => /part|journal/.test(name))).toEqual([])
    })
  })

  it('counts the erased guests that the replaced database still holds, and names such databases', async () => {
    await inFolder(async (folder) => {
      const { path, backup } = await storeAndBackup(folder, ['ann', 'bob'])
      expect(await replacedDatabases(path)).toEqual([])
      const { subject } = guest('ann')
      const erased = JSON.stringify({ at: '2026-01-01T00:00:00.000Z', connection: 'default', subject })
      writeFileSync(erasureListPath(path), `${erased}\n${erased.replace(subject, 'gone')}\n`)
      const { replaced, erasedInReplaced } = await restore(path, backup)
      expect(erasedInReplaced).toBe(1)
      writeFileSync(`${replaced}-wal`, '')
      expect(await replacedDatabases(path)).toEqual([replaced])
    })
  })

  it('creates a database where there is none', async () => {
    await inFolder(async (folder) => {
      const { backup } = await storeAndBackup(folder, ['ann'])
      const path = join(folder, 'new', 'guestpass.db')
      expect(await restore(path, backup)).toEqual({ prepared: [] })
      expect(await idsIn(path)).toEqual(['ann'])
    })
  })

  it('leaves no folder behind that it made, if the backup cannot be opened', async () => {
    await inFolder(async (folder) => {
      const { backup } = await storeAndBackup(folder, ['ann'])
      const path = join(folder, 'new', 'guestpass.db')
      const failed = restore(path, backup, { keyRing: ring(OTHER_KEY) })
      await expect(failed).rejects.toMatchObject({ code: 'store_wrong_key' })
      expect(readdirSync(folder)).not.toContain('new')
    })
  })

  it('changes nothing for a newer, damaged or foreign file, another key, or a failed preparation', async () => {
    await inFolder(async (folder) => {
      const { path, backup } = await storeAndBackup(folder, ['ann'])
      const broken = (change: (database: DatabaseSync) => void, name: string): string => {
        const file = join(folder, name)
        copyFileSync(backup, file)
        const database = new DatabaseSync(file)
        change(database)
        database.close()
        return file
      }
      const newer = broken((db) => db.exec("insert into kysely_migration values ('9999_later', '')"), 'newer.db')
      const foreign = broken((db) => db.exec('pragma application_id = 1'), 'foreign.db')
      const text = join(folder, 'text.db')
      writeFileSync(text, 'no database at all')
      const codes: unknown[] = []
      for (const [from, more] of [
        [newer, {}],
        [foreign, {}],
        [text, {}],
        [join(folder, 'none.db'), {}],
        [path, {}],
        [backup, { keyRing: ring(OTHER_KEY) }],
        [backup, { prepare: () => Promise.reject(new Error('stopped')) }],
      ] as const) {
        codes.push(await restore(path, from, more).then(String, (thrown: { code: string }) => thrown.code))
      }
      expect(codes).toEqual([
        'store_newer',
        'store_corrupt',
        'store_corrupt',
        'invalid_input',
        'invalid_input',
        'store_wrong_key',
        'store_unavailable',
      ])
      expect(readdirSync(folder).filter((name) => /part|replaced/.test(name))).toEqual([])
      expect(await idsIn(path)).toEqual(['ann'])
    })
  })

  it('names the file at fault: the backup that is none, or the place of the database', async () => {
    await inFolder(async (folder) => {
      const { path, backup } = await storeAndBackup(folder, ['ann'])
      const text = join(folder, 'text.db')
      writeFileSync(text, 'no database at all')
      const messageOf = (to: string, from: string, more = {}): Promise<string> =>
        restore(to, from, more).then(String, (thrown: Error) => thrown.message)
      const cut = join(folder, 'cut.db')
      writeFileSync(cut, readFileSync(backup).subarray(0, 20_000))
      const foreign = join(folder, 'foreign.db')
      const other = new DatabaseSync(foreign)
      other.exec('create table notes (text)')
      other.close()
      const empty = join(folder, 'empty.db')
      writeFileSync(empty, '')
      for (const [file, why] of [
        [text, 'file is not a database'],
        [cut, 'malformed'],
        [foreign, 'it is a database of another program'],
        [empty, 'it is an empty database'],
      ] as const) {
        const message = await messageOf(path, file)
        expect(message).toContain(`Nothing was restored: ${file} is no backup of Guestpass (`)
        expect(message).toContain(why)
        expect(message).toContain(
          `). The store ${path} was not changed. Give the path of a file that \`backup\` wrote.`,
        )
        expect(message).not.toMatch(/Restore it|move it away|\.part/)
      }
      expect(await messageOf(join(folder, 'new.db'), text)).not.toContain('The store')
      const gone = join(folder, 'gone')
      const prepare = async (): Promise<void> => rmSync(gone, { recursive: true })
      const message = await messageOf(join(gone, 'guestpass.db'), backup, { prepare })
      expect([message.includes(gone), message.includes(backup)]).toEqual([true, false])
    })
  })

  it('replaces a damaged database, and says so', async () => {
    await inFolder(async (folder) => {
      const { path, backup } = await storeAndBackup(folder, ['ann'])
      writeFileSync(path, 'SQLite format 3\0 and then nothing of it')
      writeFileSync(`${path}-wal`, 'a log of the damaged database')
      const { wasDamaged, replaced } = await restore(path, backup)
      expect([wasDamaged, readFileSync(String(replaced), 'latin1')]).toEqual([
        true,
        expect.stringMatching(/nothing of it/),
      ])
      expect(await idsIn(path)).toEqual(['ann'])
    })
  })
})

describe('the list of erasures', () => {
  it('names each erased subject, privately, before the erasure is acknowledged, and survives a restore', async () => {
    await inFolder(async (folder) => {
      const { path, backup } = await storeAndBackup(folder, ['ann', 'bob'])
      const store = await openStore(path)
      const records = guestRecords({ connection: 'default' }, { store, random })
      await records.erase({ email: 'ann@example.com' })
      await store.close()
      const list = erasureListPath(path)
      expect(statSync(list).mode & 0o777).toBe(0o600)
      // A killed process may leave an incomplete line.
      appendFileSync(list, '{"at":"2026')
      const again = await openStore(path)
      await guestRecords({ connection: 'default' }, { store: again, random }).erase('bob')
      await again.close()
      const { prepared } = await restore(path, backup)
      expect(prepared.map(({ connection, subject }) => [connection, subject])).toEqual([
        ['default', 'subject-of-ann'],
        ['default', 'subject-of-bob'],
      ])
      expect(readFileSync(list, 'latin1')).not.toMatch(/example|ann@/)
    })
  })

  it('refuses an erasure that it cannot take', async () => {
    await inFolder(async (folder) => {
      const { path } = await storeAndBackup(folder, ['ann'])
      const store = await openStore(path)
      const records = guestRecords({ connection: 'default' }, { store, random })
      mkdirSync(erasureListPath(path))
      await expect(records.erase('ann')).rejects.toThrow(/Nothing was erased: the list of erasures .* \(EISDIR\)/)
      expect((await store.find('default', 'ann')).credential?.status).toBe('active')
      await store.close()
    })
  })

  it('loses old entries of one connection, and no other, also if a process was killed meanwhile', async () => {
    await inFolder(async (folder) => {
      const { path } = await storeAndBackup(folder, ['ann'])
      const list = erasureListPath(path)
      const line = (at: string, connection: string, subject: string) =>
        `\n${JSON.stringify({ at: `${at}T00:00:00.000Z`, connection, subject })}\n`
      const torn = '{"at":"2020-01-01T00:00:00.000Z","connection":"default"'
      const kept = [line('2024-02-02', 'default', 'late'), line('2024-01-01', 'other', 'theirs'), torn]
      const texts = [line('2024-01-01', 'default', 'early'), ...kept]
      writeFileSync(list, texts.join(''))
      // What a killed process leaves.
      writeFileSync(`${list}.part`, 'half of a')
      const store = await openStore(path)
      const before = Date.parse('2024-02-01')
      expect(await store.forgetErasures?.('default', before)).toBe(1)
      const { ino } = statSync(list)
      expect(await store.forgetErasures?.('default', before)).toBe(0)
      expect(statSync(list).ino).toBe(ino)
      await guestRecords({ connection: 'default' }, { store, random }).erase('ann')
      await store.close()
      expect(statSync(list).mode & 0o777).toBe(0o600)
      expect(readFileSync(list, 'utf8')).toContain(torn)
      expect(readdirSync(folder).filter((name) => name.includes('.erasures.'))).toEqual([])
      const { prepared } = await restore(path, join(folder, 'backup.db'))
      expect(prepared.map(({ subject }) => subject)).toEqual(['late', 'theirs', 'subject-of-ann'])
    })
  })
})
