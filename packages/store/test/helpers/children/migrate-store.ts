import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import type { Tables } from '../../../src/sql/schema.ts'
import { nodeSqliteDialect } from '../../../src/sqlite/dialect.ts'
import { migrate } from '../../../src/sqlite/migrate.ts'

/** Migrates a store with small batches, and kills its own process after so many. */
const [path = '', batches = ''] = process.argv.slice(2)
let left = Number(batches)
const db = new Kysely<Tables>({ dialect: nodeSqliteDialect(new DatabaseSync(path), 1_000) })
await migrate(db, {
  batch: 4,
  onBatch() {
    left -= 1
    if (left === 0) process.kill(process.pid, 'SIGKILL')
  },
})
