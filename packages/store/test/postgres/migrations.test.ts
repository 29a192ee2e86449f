import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock, systemRandom } from '@guestpass/core/runtime-kit'
import { describe, expect, it } from 'vitest'
import { migrate } from '../../src/postgres/migrate.ts'
import type { PgPool } from '../../src/postgres/pool.ts'
import { localKeyRing, postgresStore } from '../../src/postgres/index.ts'
import { databasePool, emptyDatabases, statements } from '../helpers/empty-databases.ts'
import { KEY, OTHER_KEY, random } from '../helpers/open-store.ts'
import { openPostgres } from '../helpers/postgres-database.ts'
import { event, HOME } from '../helpers/samples.ts'
import { schemaText } from '../helpers/postgres-schema.ts'
import { isWithoutPostgres, suiteTitle } from '../helpers/test-server.ts'

const SCHEMA = join(import.meta.dirname, '../../src/postgres/schema.sql')

describe.skipIf(isWithoutPostgres)(suiteTitle('the migrations of PostgreSQL'), () => {
  const inEmptyDatabase = emptyDatabases('migrations')

  /** Runs work on a new empty database. */
  const inDatabase = <T>(work: (url: string, pool: PgPool) => Promise<T>): Promise<T> =>
    inEmptyDatabase(async (url) => {
      const pool = databasePool(url, 4)
      try {
        return await work(url, pool)
      } finally {
        await pool.close()
      }
    })

  const migrateOn = (pool: PgPool): Promise<void> =>
    migrate({ pool, clock: systemClock(), random: systemRandom(), place: 'the test' }, 5_000)

  it('make the schema that is committed', async () => {
    const text = await inDatabase(async (_url, pool) => {
      await migrateOn(pool)
      return schemaText(pool)
    })
    if (process.env['GUESTPASS_WRITE_SCHEMA'] !== undefined) writeFileSync(SCHEMA, text)
    expect(text).toBe(readFileSync(SCHEMA, 'utf8'))
  })

  it('run once when four processes open an empty database at once, which get one data key', async () => {
    await inDatabase(async (url, pool) => {
      const stores = await Promise.all([1, 2, 3, 4].map(() => openPostgres({ url, poolSize: 2 })))
      const keys = await Promise.all(stores.map((store) => store.keys.list()))
      expect(new Set(keys.flat().map(({ id }) => id)).size).toBe(1)
      const { rows } = await statements(pool, (client) => client.query('select name from guestpass_migration'))
      expect(rows).toEqual([{ name: '0001_first' }])
      await Promise.all(stores.map((store) => store.close()))
    })
  })

  it('start again if the process that migrated was killed, when its lease has ended', async () => {
    await inDatabase(async (_url, pool) => {
      await statements(pool, async (client) => {
        await client.query(
          'create table migration_lease (name text collate "C" primary key, owner text not null, fence bigint not null, ends_at timestamptz not null)',
        )
        await client.query(
          "insert into migration_lease values ('schema', 'killed', 7, clock_timestamp() + interval '300 ms')",
        )
      })
      await migrateOn(pool)
      const { rows } = await statements(pool, (client) => client.query('select fence from migration_lease'))
      expect(rows).toEqual([{ fence: 8 }])
    })
  })

  it('change nothing after another process has taken over the lease', async () => {
    await inDatabase(async (_url, pool) => {
      const overtaken: PgPool = {
        async connect() {
          const client = await pool.connect()
          return {
            ...client,
            async query(text, values) {
              const result = await client.query(text, values)
              // The process sleeps here for longer than its lease.
              if (text === 'begin')
                await statements(pool, (other) => other.query("update migration_lease set owner = 'other', fence = 99"))
              return result
            },
          }
        },
        close: async () => {},
      }
      await expect(migrateOn(overtaken)).rejects.toThrow('Another process has taken over the migration.')
      const { rows } = await statements(pool, (client) =>
        client.query("select count(*) as n from pg_tables where tablename = 'credentials'"),
      )
      expect(rows).toEqual([{ n: 0 }])
    })
  })

  it('leave the database of another program as it is', async () => {
    await inDatabase(async (url, pool) => {
      await statements(pool, (client) => client.query('create table events (id integer)'))
      await expect(openPostgres({ url })).rejects.toMatchObject({ code: 'store_corrupt' })
    })
  })

  it('do not keep out a former version, unless they say that it is too old', async () => {
    await inDatabase(async (url, pool) => {
      await (await openPostgres({ url })).close()
      const later = "insert into guestpass_migration values ('0099_later', '2027-01-01T00:00:00.000Z')"
      await statements(pool, (client) => client.query(later))
      const running = await openPostgres({ url })
      await running.setFact(HOME, 'name', 'value')
      const needed = "update store_state set value = '0099_later' where name = 'needed_migration'"
      await statements(pool, (client) => client.query(needed))
      const newer = { code: 'store_newer', message: expect.stringContaining('0099_later') }
      await expect(openPostgres({ url })).rejects.toMatchObject(newer)
      await expect(running.commit({ connection: HOME, events: [event('1')] })).rejects.toMatchObject(newer)
      await running.close()
    })
  })

  it('write nothing for a wrong key, and name both keys', async () => {
    await inDatabase(async (url, pool) => {
      await (await openPostgres({ url })).close()
      const rowsOf = () => statements(pool, async (client) => (await client.query('select * from keys')).rows)
      const before = await rowsOf()
      const keyRing = localKeyRing(OTHER_KEY, { random })
      const opened = postgresStore({ url, keyRing, clock: systemClock(), random })
      await expect(opened).rejects.toMatchObject({ code: 'store_wrong_key' })
      const message = String(await opened.catch((thrown: unknown) => thrown))
      for (const { id } of [keyRing, localKeyRing(KEY, { random })]) expect(message).toContain(id)
      expect(await rowsOf()).toEqual(before)
    })
  })
})
