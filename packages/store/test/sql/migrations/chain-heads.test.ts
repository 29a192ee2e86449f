import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { auditExport, auditLog, type Checkpoint, verifyExport } from '@guestpass/core'
import { type ExportedRecord, systemClock } from '@guestpass/core/runtime-kit'
import { auditRecord, linkText, EMPTY_CHAIN, sha256Hex } from '@guestpass/core/store-kit'
import { Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { Tables } from '../../../src/sql/schema.ts'
import type { SealedStore } from '../../../src/sqlite/index.ts'
import { nodeSqliteDialect } from '../../../src/sqlite/dialect.ts'
import { migrate } from '../../../src/sqlite/migrate.ts'
import { inFolder, openStore } from '../../helpers/open-store.ts'

const fixture = (name: string): Promise<string> =>
  readFile(new URL(`../../../../../fixtures/${name}`, import.meta.url), 'utf8')

/** A store as the version before chain heads left it. */
async function formerStore(folder: string, ...more: readonly string[]): Promise<string> {
  const path = join(folder, 'guestpass.db')
  const database = new DatabaseSync(path)
  for (const text of [await fixture('store/0002-profiles-documents-chain.sql'), ...more]) database.exec(text)
  database.close()
  return path
}

const linesOf = async (name: string): Promise<readonly string[]> =>
  (await fixture(`audit/0002-${name}.ndjson`)).trim().split('\n')
const keptCheckpoint = async (): Promise<Checkpoint> => JSON.parse((await linesOf('checkpoint'))[0] ?? '') as Checkpoint

const logOf = (store: SealedStore) => auditLog('default', { store, clock: systemClock() })

function rows(path: string, query: string): readonly Record<string, unknown>[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const found = database.prepare(query).all()
  database.close()
  return found
}

const CHAINED = 'select connection, count, hash, id from events order by connection, count'
const MESSAGES = 'select sink, event, due_at, attempts, why from outbox order by sink, event'

async function exported(store: SealedStore): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of auditExport('default', logOf(store))) lines.push(JSON.stringify(line))
  return lines
}

async function addEvents(store: SealedStore, ...names: readonly string[]): Promise<void> {
  const [like] = (await store.events('default', { limit: 1 })).events
  if (!like) throw new Error('The fixture has no events.')
  for (const id of names) await store.commit({ connection: 'default', events: [{ ...like, id }] })
}

/** Migrates with small batches, and dies after so many; true when it came to its end. */
async function migratedWithin(path: string, batches: number): Promise<boolean> {
  const raw = new DatabaseSync(path)
  let left = batches
  const onBatch = (): void => {
    left -= 1
    if (left === 0) throw new Error('killed')
  }
  try {
    await migrate(new Kysely<Tables>({ dialect: nodeSqliteDialect(raw, 1_000) }), { batch: 4, onBatch })
    return true
  } catch (thrown) {
    if ((thrown as Error).message !== 'killed') throw thrown
    return false
  } finally {
    raw.close()
  }
}

/** Migrates, and dies before its nth new statement, in the middle of a transaction too; true when it came to its end. */
async function migratedUpTo(path: string, nth: number): Promise<boolean> {
  const raw = new DatabaseSync(path)
  const prepare = raw.prepare.bind(raw)
  let left = nth
  Object.assign(raw, {
    prepare(text: string) {
      left -= 1
      if (left <= 0) throw new Error('killed')
      return prepare(text)
    },
  })
  try {
    await migrate(new Kysely<Tables>({ dialect: nodeSqliteDialect(raw, 1_000) }), { batch: 9 })
    return true
  } catch {
    return false
  } finally {
    raw.close()
  }
}

describe('a store of the version before chain heads', () => {
  it('keeps sign-in, guests of all APIs, webhook endpoints and queued messages', async () => {
    await inFolder(async (folder) => {
      const path = await formerStore(folder)
      const queued = rows(path, MESSAGES)
      const store = await openStore(path)
      const { credentials } = await store.list('default', { kind: 'guest', limit: 9 })
      expect(credentials.map(({ api, tokens }) => `${api} ${tokens ? 'has tokens' : 'has none'}`).sort()).toEqual([
        'engagements has tokens',
        'external-users has tokens',
        'guest-tokens has tokens',
        'guest-tokens has tokens',
      ])
      expect((await store.find('default', 'grant')).credential?.tokens?.refresh).toBeDefined()
      expect((await store.documents('default', { kind: 'webhook', limit: 9 })).documents.length).toBe(1)
      expect(rows(path, MESSAGES)).toEqual(queued)
      expect(await store.outbox.counts('webhook:default:idp')).toEqual({ waiting: 2, deadLetters: 2 })
      const first = await store.outbox.deadLetters('webhook:default:idp', { limit: 1 })
      const rest = await store.outbox.deadLetters('webhook:default:idp', { limit: 1, after: first.next ?? '' })
      const { events } = await store.events('default', { limit: 2 })
      expect([...first.messages, ...rest.messages].map(({ event }) => event)).toEqual(events)
      await store.close()
    })
  })

  it('keeps and continues its chains, and all of them verify', async () => {
    await inFolder(async (folder) => {
      const path = await formerStore(folder)
      const before = rows(path, CHAINED)
      const store = await openStore(path)
      expect(rows(path, CHAINED)).toEqual(before)
      expect(await logOf(store).verify([await keptCheckpoint()])).toMatchObject({
        valid: true,
        count: 20,
        anchored: 16,
      })
      await addEvents(store, 'new-1', 'new-2')
      const { links } = await store.chain('default', { limit: 99 })
      expect(links.map(({ version }) => version)).toEqual([...Array<number>(20).fill(1), 2, 2])
      for (const [at, { event, hash, version }] of links.entries()) {
        const previous = links[at - 1] ?? EMPTY_CHAIN
        expect(hash).toBe(await sha256Hex(linkText('default', previous, auditRecord(event), version)))
      }
      await logOf(store).checkpoint()
      expect(await logOf(store).verify([await keptCheckpoint()])).toMatchObject({
        valid: true,
        count: 22,
        anchored: 22,
      })
      const again = await exported(store)
      expect(again.slice(0, 16)).toEqual((await linesOf('export')).slice(0, 16))
      expect(await verifyExport(again, [await keptCheckpoint()])).toMatchObject({ valid: true, count: 22 })
      await store.close()
    })
  })

  it('verifies an export of the former version, alone and against old and new checkpoints', async () => {
    await inFolder(async (folder) => {
      const store = await openStore(await formerStore(folder))
      const lines = await linesOf('export')
      expect(await verifyExport(lines)).toMatchObject({ valid: true, count: 16 })
      expect(await verifyExport(lines, [await keptCheckpoint()])).toMatchObject({ valid: true, count: 16 })
      await addEvents(store, 'new-1')
      const now = await logOf(store).checkpoint()
      expect(now.chain).toBe(0)
      expect(await verifyExport(lines, [now])).toMatchObject({ valid: false, reason: 'truncated' })
      expect(await verifyExport(await exported(store), [await keptCheckpoint(), now])).toMatchObject({ valid: true })
      const text = lines.map((line, at) =>
        at === 3 ? line.replace('"success"', '"failure"').replace('"pending"', '"failure"') : line,
      )
      expect(await verifyExport(text)).toMatchObject({ valid: false, reason: 'edited', count: 4, line: 4 })
      await store.close()
    })
  })

  it('matches an audit file of the former version with the chain', async () => {
    await inFolder(async (folder) => {
      const store = await openStore(await formerStore(folder))
      const { events } = await store.events('default', { limit: 2, after: 16 })
      expect(events.map((event) => JSON.stringify(auditRecord(event)))).toEqual(await linesOf('audit-file'))
      await store.close()
    })
  })

  it('detects an altered record, before and after the migration', async () => {
    const altered = "update events set body = replace(body, 'pending', 'success') where count = 9 or count = 1"
    await inFolder(async (folder) => {
      const store = await openStore(await formerStore(folder, altered))
      expect(await logOf(store).verify()).toMatchObject({ valid: false, reason: 'edited' })
      await store.close()
    })
    await inFolder(async (folder) => {
      const path = await formerStore(folder)
      const store = await openStore(path)
      await addEvents(store, 'new-1')
      const database = new DatabaseSync(path)
      for (const change of [altered, 'update events set version = 2 where count = 2']) {
        database.exec('begin')
        database.exec(change)
        database.exec('commit')
        expect(await logOf(store).verify()).toMatchObject({ valid: false, reason: 'edited' })
      }
      database.close()
      await store.close()
    })
  })

  it('continues a killed migration, even if the former version has written since', async () => {
    let deaths = 0
    for (let batches = 1; ; batches += 1) {
      const done = await inFolder(async (folder) => {
        const path = await formerStore(folder)
        const before = rows(path, CHAINED)
        const ended = await migratedWithin(path, batches)
        expect(rows(path, CHAINED)).toEqual(before)
        if (!ended) deaths += 1
        const meanwhile = ended
          ? ''
          : `insert into events (connection, id, body, count, hash) select connection, 'meanwhile', body, 21, hash from events where connection = 'default' and count = 20;
             insert into outbox select 'x', seq, id, 0, 0, null from events where id = 'meanwhile';`
        const database = new DatabaseSync(path)
        database.exec(meanwhile)
        database.close()
        while (!(await migratedWithin(path, 2)));
        const store = await openStore(path)
        const head = await store.chainHead('default')
        expect(head.count).toBe(ended ? 20 : 21)
        expect((await store.chainHead('second')).count).toBe(3)
        expect((await store.outbox.claim('x', 9, 1_000)).length).toBe(ended ? 0 : 1)
        expect(rows(path, CHAINED).filter(({ id }) => id !== 'meanwhile')).toEqual(before)
        await addEvents(store, 'later')
        expect(await store.chainHead('default')).toMatchObject({ count: head.count + 1 })
        await store.close()
        return ended
      })
      if (done) break
    }
    expect(deaths).toBe(6)
  })

  it('loses no row when killed before any statement of the migration', async () => {
    let nth = 1
    for (let ended = false; !ended; nth += 1) {
      ended = await inFolder(async (folder) => {
        const path = await formerStore(folder)
        const isDone = await migratedUpTo(path, nth)
        const store = await openStore(path)
        expect(await logOf(store).verify([await keptCheckpoint()])).toMatchObject({ valid: true, count: 20 })
        expect((await store.chainHead('second')).count).toBe(3)
        expect(await store.outbox.counts('webhook:default:idp')).toEqual({ waiting: 2, deadLetters: 2 })
        await store.close()
        return isDone
      })
    }
    expect(nth).toBeGreaterThan(30)
  })

  it('migrates in several processes at once, one of which is killed', async () => {
    await inFolder(async (folder) => {
      const path = await formerStore(folder)
      const child = fileURLToPath(new URL('../../helpers/children/migrate-store.ts', import.meta.url))
      expect(spawnSync(process.execPath, [child, path, '3']).signal).toBe('SIGKILL')
      const stores = await Promise.all([openStore(path), openStore(path), openStore(path)])
      for (const [at, store] of stores.entries()) await addEvents(store, `new-${at}`)
      for (const store of stores) {
        expect(await logOf(store).verify([await keptCheckpoint()])).toMatchObject({ valid: true, count: 23 })
        await store.close()
      }
    })
  })
})

describe('a record of an export', () => {
  it('protects the version of its link and the number of its chain', async () => {
    await inFolder(async (folder) => {
      const store = await openStore(await formerStore(folder))
      await addEvents(store, 'new-1')
      const lines = await exported(store)
      const places = lines.slice(19, 21).map((line) => (JSON.parse(line) as ExportedRecord).chain)
      expect(places).toEqual([
        { count: 20, hash: expect.any(String) },
        { version: 2, number: 0, count: 21, hash: expect.any(String) },
      ])
      const changed = (from: string, to: string): readonly string[] =>
        lines.map((line, at) => (at === 20 ? line.replace(from, to) : line))
      expect(await verifyExport(changed('"version":2,"number":0,', ''))).toMatchObject({ valid: false, line: 21 })
      expect(await verifyExport(changed('"number":0', '"number":1'))).toMatchObject({ valid: false, line: 21 })
      expect(await verifyExport(changed('"version":2', '"version":3'))).toMatchObject({ valid: false, line: 21 })
      expect(await verifyExport(lines.map((line) => line.replace('"chain":0,', '')))).toMatchObject({
        valid: false,
        reason: 'checkpoint',
      })
      await store.close()
    })
  })
})
