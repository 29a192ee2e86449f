import { GuestpassError, type Clock, type Random } from '@guestpass/core'
import { countdown, type Millis, MINUTE } from '@guestpass/core/store-kit'
import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { withClient, within } from './clients.ts'
import { migrationDb } from './dialect.ts'
import { codeOf, corruptStoreError, isOutage, isRepeatable, newerStoreError, refuseOld } from './errors.ts'
import { tableNames } from './first-migration.ts'
import { endLease, type MigrationLease, waitForLease } from './migration-lease.ts'
import { postgresMigrations } from './migrations.ts'
import type { PgClient, PgPool } from './pool.ts'
import { repeat } from './repeat.ts'

const MIGRATIONS = 'guestpass_migration'

/** How long a process waits while another one migrates. */
const MIGRATION_WAIT: Millis = 2 * MINUTE
const LOCK_MS: Millis = 5_000

/** Migrations by name, in the order of their names. */
export type Migrations = Readonly<Record<string, Migration>>

/** What a migration works with. */
export interface MigrateParts {
  /** The migrations of this version. Default: all. Tests have another version. */
  readonly migrations?: Migrations | undefined
  readonly pool: PgPool
  readonly clock: Clock
  readonly random: Random
  /** The address of the database without a password. */
  readonly place: string
}

/** Throws `store_newer` if a program must know a migration, and this version does not. */
export function checkVersion(needed: string, place: string, migrations: Migrations = postgresMigrations): void {
  if (!Object.hasOwn(migrations, needed)) throw newerStoreError(place, needed)
}

/**
 * Whether the database has all migrations of this version; false for an older or empty one. A former version may use a
 * newer schema, unless a migration forbids it. Rejects with `store_corrupt` for another program's database, and with
 * `store_newer`.
 */
export async function isCurrent(
  client: PgClient,
  place: string,
  migrations: Migrations = postgresMigrations,
): Promise<boolean> {
  const known = Object.keys(migrations)
  const { rows } = await client.query(
    `select version() as version, to_regclass('store_state') is not null and to_regclass('${MIGRATIONS}') is not null as is_store,
      (select count(*) from pg_tables where schemaname = any (current_schemas(false)) and tablename = any ($1)) as others`,
    [tableNames],
  )
  const [found] = rows as readonly { readonly version: string; readonly is_store: boolean; readonly others: number }[]
  refuseOld(place, found?.version ?? '')
  if (found?.is_store !== true) {
    if ((found?.others ?? 0) > 0) throw corruptStoreError(place, 'has tables of another program')
    return false
  }
  const { rows: applied } = await client.query(`select name from ${MIGRATIONS}`)
  const { rows: state } = await client.query("select value from store_state where name = 'needed_migration'")
  const [needed] = state as readonly { readonly value: string }[]
  if (needed) checkVersion(needed.value, place, migrations)
  const names = (applied as readonly { readonly name: string }[]).map(({ name }) => name)
  return known.every((name) => names.includes(name))
}

/** How long one statement of a migration may take. */
const STATEMENT_MS: Millis = 10 * MINUTE

/** Runs the missing migrations in one transaction, which keeps the row of the lease locked. */
async function runMigrations(client: PgClient, lease: MigrationLease, migrations: Migrations): Promise<void> {
  await migrationDb(
    within(client, () => STATEMENT_MS),
    lease,
  )
    .transaction()
    .execute(async (transaction) => {
      await sql.raw(`set local lock_timeout = ${LOCK_MS}`).execute(transaction)
      const migrator = new Migrator({
        db: transaction,
        provider: { getMigrations: async () => migrations },
        migrationTableName: MIGRATIONS,
        migrationLockTableName: `${MIGRATIONS}_lock`,
        // A newer version may have added some, and may run beside this one.
        allowUnorderedMigrations: true,
      })
      const { error } = await migrator.migrateToLatest()
      if (error !== undefined) throw error
    })
}

/** Two processes that create a table at once: one of them gets one of these errors. */
const isRace = (thrown: unknown): boolean => ['23505', '42P07', '42710'].includes(codeOf(thrown))

async function migrateOnce(parts: MigrateParts): Promise<void> {
  const { clock, random, place, pool, migrations = postgresMigrations } = parts
  await withClient(pool, async (client) => {
    const isDone = (): Promise<boolean> => isCurrent(client, place, migrations)
    if (await isDone()) return
    const lease = await waitForLease(client, { clock, owner: random.uuid(), waitMs: MIGRATION_WAIT, isDone })
    if (!lease) {
      if (await isDone()) return
      throw new GuestpassError('store_busy', `Another process migrates the database ${place}. Retry.`)
    }
    try {
      if (!(await isDone())) await runMigrations(client, lease, migrations)
    } catch (thrown) {
      await endLease(client, lease).catch(() => {})
      throw thrown
    }
    await endLease(client, lease)
  })
}

/**
 * Brings a database to the schema of this version. Several processes may start at once: one migrates, and the others
 * wait. `waitMs`: how long a server that cannot be reached is asked again. Rejects as `isCurrent` does, with `store_busy`, or with an error of the driver.
 */
export function migrate(parts: MigrateParts, waitMs: Millis): Promise<void> {
  const reachServer = (): Promise<void> =>
    repeat(parts, countdown(parts.clock, waitMs), () => migrateOnce(parts), isOutage)
  // Processes that work meanwhile may be in the way, and another one may migrate.
  const isInTheWay = (thrown: unknown): boolean => isRepeatable(thrown) || isRace(thrown)
  return repeat(parts, countdown(parts.clock, MIGRATION_WAIT), reachServer, isInTheWay)
}
