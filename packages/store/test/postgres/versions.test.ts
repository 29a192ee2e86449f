import { systemClock } from '@guestpass/core/runtime-kit'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { migrate, type Migrations } from '../../src/postgres/migrate.ts'
import { postgresMigrations } from '../../src/postgres/migrations.ts'
import type { SealedStore } from '../../src/postgres/index.ts'
import type { PgPool } from '../../src/postgres/pool.ts'
import { databasePool, emptyDatabases, statements } from '../helpers/empty-databases.ts'
import { faultyPool } from '../helpers/faulty-pool.ts'
import { random } from '../helpers/open-store.ts'
import { openPostgres } from '../helpers/postgres-database.ts'
import { event, HOME } from '../helpers/samples.ts'
import { isWithoutPostgres, suiteTitle } from '../helpers/test-server.ts'

/** A later version, which adds to tables that a former version writes. */
function laterVersion() {
  const runs: string[] = []
  const migrations: Migrations = {
    ...postgresMigrations,
    '0002_later': {
      async up(db) {
        runs.push('0002_later')
        await sql`alter table documents add column note text, add column weight integer not null default 0`.execute(db)
        await sql`alter table events add column note text`.execute(db)
        await sql`create table later (id text primary key)`.execute(db)
        await sql`insert into later values ('only once')`.execute(db)
        await sql`create index documents_by_note on documents (connection, note)`.execute(db)
      },
    },
  }
  return { migrations, runs }
}

const later = async (pool: PgPool): Promise<readonly unknown[]> =>
  statements(pool, async (client) => {
    const { rows } = await client.query("select to_regclass('later') is not null as is")
    const [found] = rows as readonly { readonly is: boolean }[]
    return found?.is === true ? (await client.query('select id from later')).rows : []
  })

describe.skipIf(isWithoutPostgres)(suiteTitle('two versions on one database'), () => {
  const inDatabase = emptyDatabases('versions')

  const withPool = <T>(work: (url: string, pool: PgPool) => Promise<T>): Promise<T> =>
    inDatabase(async (url) => {
      const pool = databasePool(url, 4)
      try {
        return await work(url, pool)
      } finally {
        await pool.close()
      }
    })

  const migrateOn = (pool: PgPool, migrations: Migrations): Promise<void> =>
    migrate({ pool, clock: systemClock(), random, place: 'the test', migrations }, 0)

  it('the former one works under load while the later one migrates, beside it, and after it', async () => {
    await withPool(async (url, pool) => {
      const acknowledged: string[] = []
      const commit = async (store: SealedStore, id: string): Promise<void> => {
        const documents = [{ kind: 'note', id, value: id, expect: { revision: 0 } }]
        expect(await store.commit({ connection: HOME, documents, events: [event(id)] })).toBe('done')
        acknowledged.push(id)
      }
      const former = await openPostgres({ url })
      const load = { isOver: false }
      const writers = ['a', 'b', 'c'].map(async (name) => {
        for (let nth = 1; !load.isOver; nth += 1) await commit(former, `${name}-${nth}`)
      })
      const isFlowing = async (): Promise<void> => {
        const wanted = acknowledged.length + 15
        while (acknowledged.length < wanted) await new Promise(setImmediate)
      }
      await isFlowing()
      const newer = await openPostgres({ url, migrations: laterVersion().migrations })
      for (let nth = 1; nth <= 10; nth += 1) await commit(newer, `newer-${nth}`)
      await isFlowing()
      await newer.close()
      load.isOver = true
      await Promise.all(writers)
      await former.close()
      const back = await openPostgres({ url })
      await commit(back, 'back')
      expect(await later(pool)).toEqual([{ id: 'only once' }])
      const { documents } = await back.documents(HOME, { kind: 'note', after: '', limit: 1_000 })
      expect(documents.map(({ id }) => id).toSorted()).toEqual(acknowledged.toSorted())
      expect((await back.chainHead(HOME)).count).toBe(acknowledged.length)
      await back.close()
    })
  })

  it('one of two that migrate at once does, and the other one finds it done', async () => {
    await withPool(async (url, pool) => {
      await (await openPostgres({ url })).close()
      const { migrations, runs } = laterVersion()
      await Promise.all([migrateOn(pool, migrations), migrateOn(pool, migrations)])
      expect(runs).toEqual(['0002_later'])
      expect(await later(pool)).toEqual([{ id: 'only once' }])
    })
  })

  it('a migration that was killed before any of its statements is made whole by the next one', async () => {
    await withPool(async (url, pool) => {
      await (await openPostgres({ url })).close()
      const { migrations } = laterVersion()
      let at = 1
      for (; (await later(pool)).length === 0; at += 1) {
        let left = at
        const killed = faultyPool(pool, {
          next: () => {
            left -= 1
            return left < 0 ? { code: '08006', when: 'before' } : undefined
          },
        })
        await migrateOn(killed, migrations).catch(() => {})
        await statements(pool, (client) => client.query("update migration_lease set ends_at = '-infinity'"))
      }
      expect(at).toBeGreaterThan(15)
      await migrateOn(pool, migrations)
      expect(await later(pool)).toEqual([{ id: 'only once' }])
      await (await openPostgres({ url })).close()
    })
  })

  it('one waits for another one whose migration takes longer than a statement may', async () => {
    await withPool(async (url, pool) => {
      await (await openPostgres({ url })).close()
      const { migrations } = laterVersion()
      await statements(pool, async (holder) => {
        await holder.query("begin; select 1 from migration_lease where name = 'schema' for update")
        const askedAgain = Promise.withResolvers<void>()
        let asked = 0
        const impatient: PgPool = {
          connect: async () => {
            const client = await pool.connect()
            return {
              ...client,
              query(text, values, ms) {
                if (text.startsWith('update migration_lease')) asked += 1
                if (asked === 2) askedAgain.resolve()
                return client.query(text, values, ms ?? 300)
              },
            }
          },
          close: async () => {},
        }
        const migrating = migrateOn(impatient, migrations)
        await Promise.race([migrating, askedAgain.promise])
        expect(asked).toBeGreaterThan(1)
        await holder.query('commit')
        await migrating
      })
      expect(await later(pool)).toEqual([{ id: 'only once' }])
    })
  })
})
