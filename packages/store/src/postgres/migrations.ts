import type { Migration } from 'kysely/migration'
import { createTables } from './first-migration.ts'

/**
 * All migrations by name, in the order of their names. The name of a released migration never changes. Each is short,
 * because it runs in a transaction with locks. Long work is done in steps before it, each in a transaction of its own.
 * A migration that former versions do not run with sets `needed_migration` of `store_state` to its name. It must not be
 * released together with the code that no longer needs what it removes.
 */
export const postgresMigrations: Readonly<Record<string, Migration>> = {
  '0001_first': { up: createTables },
}
