import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { guestRecords, type Secret } from '@guestpass/core'
import { auditRecord, linkText, EMPTY_CHAIN, sha256Hex } from '@guestpass/core/store-kit'
import { describe, expect, it } from 'vitest'
import type { SealedStore } from '../../../src/sqlite/index.ts'
import { inFolder, openStore, random } from '../../helpers/open-store.ts'

const FIRST = new URL('../../../../../fixtures/store/0001-first.sql', import.meta.url)
const SECOND = new URL('0002-profiles-documents-chain.sql', FIRST)

/** A store as the first version left it, after more statements. */
async function firstStore(folder: string, ...more: readonly string[]): Promise<string> {
  const path = join(folder, 'guestpass.db')
  const database = new DatabaseSync(path)
  for (const text of [await readFile(FIRST, 'utf8'), ...more]) database.exec(text)
  database.close()
  return path
}

const textOf = (secret: Secret | undefined): string | undefined => secret?.reveal()

async function expectLinked(store: SealedStore, connection: string, count: number): Promise<void> {
  const { links } = await store.chain(connection, { limit: 99 })
  expect(links.map((link) => link.count)).toEqual(Array.from({ length: count }, (_, index) => index + 1))
  for (const [at, { event, hash, version }] of links.entries()) {
    expect(hash).toBe(await sha256Hex(linkText(connection, links[at - 1] ?? EMPTY_CHAIN, auditRecord(event), version)))
  }
}

/** What released migrations have made never changes, so that stores of one version are alike. */
const member = (name: string): string =>
  `cast(nullif(iif(json_valid("body"), json_extract("body", '$.${name}'), ''), '') as double precision)`
const ENDS = `create index credentials_by_end on credentials (connection, (coalesce(${member('aliveUntil')}, ${member('createdAt')})), id) where kind = 'guest'`

describe('a store of the first version', () => {
  it('keeps its guests, found by subject too, and its queued messages', async () => {
    await inFolder(async (folder) => {
      const store = await openStore(await firstStore(folder))
      for (const connection of ['default', 'neighbour']) {
        for (const id of ['alice', 'bob']) {
          const found = await store.findBySubject(connection, `subject-of-${id}`)
          expect([found?.id, found?.subject, textOf(found?.tokens?.access), textOf(found?.tokens?.refresh)]).toEqual([
            id,
            `subject-of-${id}`,
            `access-${id}`,
            `refresh-${id}`,
          ])
        }
      }
      expect(await store.connections()).toEqual(['default', 'neighbour'])
      expect(await store.outbox.counts('audit')).toEqual({ waiting: 8, deadLetters: 0 })
      await store.close()
    })
  })

  it('chains its events for each connection, and continues the chains', async () => {
    await inFolder(async (folder) => {
      const path = await firstStore(folder)
      const stores = await Promise.all([openStore(path), openStore(path)])
      for (const [at, store] of stores.entries()) {
        const [event] = (await store.events('default', { limit: 1 })).events
        if (event) await store.commit({ connection: 'default', events: [{ ...event, id: `later-${at}` }] })
      }
      await expectLinked(stores[0], 'default', 6)
      await expectLinked(stores[0], 'neighbour', 4)
      for (const store of stores) await store.close()
    })
  })

  it('migrates even if a row is damaged, and reports the row when it is read', async () => {
    await inFolder(async (folder) => {
      const path = await firstStore(folder, "update credentials set body = '{' where id = 'bob'")
      const store = await openStore(path)
      expect((await store.find('default', 'alice')).credential?.generation).toBe(1)
      await expect(store.find('default', 'bob')).rejects.toThrow('"bob"')
      await store.close()
    })
  })
})

const pending = (id: string): string =>
  `insert into documents (connection, kind, id, revision, value) values ('default', 'enrichment', '${id}', 1, x'00')`

describe('a store of the second version', () => {
  it('finds, exports and erases an applicant by address', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const database = new DatabaseSync(path)
      database.exec(await readFile(SECOND, 'utf8'))
      database.close()
      const store = await openStore(path)
      const email = 'ann@example.com'
      const records = guestRecords({ connection: 'default' }, { store, random })
      const [guest] = await records.find({ email })
      const exported = { subject: guest?.subject, profile: { name: 'Ann', attributes: { plan: 'gold' } } }
      expect((await records.export({ email })).guests).toMatchObject([exported])
      expect((await records.erase({ email })).guests).toMatchObject([{ guestId: guest?.guestId, api: 'engagements' }])
      expect(await records.find({ email })).toEqual([])
      await store.close()
    })
  })

  it('makes pending work due at once, including later writes of the former version', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'guestpass.db')
      const database = new DatabaseSync(path)
      database.exec(await readFile(SECOND, 'utf8'))
      database.exec(pending('before'))
      const store = await openStore(path)
      database.exec(pending('during'))
      database.close()
      const ask = { kind: 'enrichment', max: 9, leaseMs: 60_000 }
      const { claimed } = await store.claimDueDocuments('default', ask)
      expect(claimed.map(({ id }) => id).toSorted()).toEqual(['before', 'during'])
      expect((await store.claimDueDocuments('default', ask)).claimed).toEqual([])
      await store.close()
    })
  })
})

describe('a migrated store', () => {
  it('has the index of ended guests that was released', async () => {
    await inFolder(async (folder) => {
      const path = await firstStore(folder)
      await (await openStore(path)).close()
      const database = new DatabaseSync(path)
      const row = database.prepare("select sql from sqlite_master where name = 'credentials_by_end'").get()
      database.close()
      expect(String(row?.['sql']).replace('CREATE INDEX', 'create index')).toBe(ENDS)
    })
  })
})
