import type { Clock } from '@guestpass/core'
import { countdown, type Millis, SECOND } from '@guestpass/core/store-kit'
import { type Kysely, PostgresAdapter, sql } from 'kysely'
import type { PgClient } from './pool.ts'

/** A lease of the right to migrate. */
export interface MigrationLease {
  readonly owner: string
  /** Counts the leases. A process that slept beyond its lease finds another number. */
  readonly fence: number
}

const CREATE = `create table if not exists migration_lease (
  name text collate "C" primary key, owner text not null, fence bigint not null, ends_at timestamptz not null)`

/** A lease ends by itself, so that a killed process does not keep others out. In SQL. */
const END = "clock_timestamp() + interval '60 seconds'"
/** A lease that ended long ago. It waits for no lock of an existing row. */
const FIRST =
  "insert into migration_lease (name, owner, fence, ends_at) values ('schema', '', 0, '-infinity') on conflict do nothing"
const ASK_EVERY: Millis = SECOND / 4

/** Takes the lease. Undefined if another process has it. A session lock would stay on a connection of a pooler. */
async function takeLease(client: PgClient, owner: string): Promise<MigrationLease | undefined> {
  await client.query(FIRST)
  // A process that migrates keeps the row locked, and may take long.
  const { rows } = await client.query(
    `update migration_lease set owner = $1, fence = fence + 1, ends_at = ${END}
      where name in (select name from migration_lease
        where name = 'schema' and ends_at <= clock_timestamp() for update skip locked)
      returning fence`,
    [owner],
  )
  const [row] = rows as readonly { readonly fence: number }[]
  return row && { owner, fence: row.fence }
}

/** What a process waits with for the lease. */
interface LeaseWait {
  readonly clock: Clock
  readonly owner: string
  readonly waitMs: Millis
  /** Whether another process has done the work. */
  readonly isDone: () => Promise<boolean>
}

/** Takes the lease, or waits until another process has done the work. Undefined: it has, or `waitMs` have passed. */
export async function waitForLease(
  client: PgClient,
  { clock, owner, waitMs, isDone }: LeaseWait,
): Promise<MigrationLease | undefined> {
  await client.query(CREATE)
  const left = countdown(clock, waitMs)
  for (;;) {
    const lease = await takeLease(client, owner)
    if (lease !== undefined || left() <= 0 || (await isDone())) return lease
    await clock.sleep(ASK_EVERY)
  }
}

/** Gives the lease back. */
export async function endLease(client: PgClient, { owner, fence }: MigrationLease): Promise<void> {
  await client.query(
    `update migration_lease set ends_at = clock_timestamp() where name = 'schema' and owner = $1 and fence = $2`,
    [owner, fence],
  )
}

/**
 * Locks the row of the lease until the end of the transaction. Throws if another process has the lease: this one slept
 * for too long.
 */
async function checkLease(db: Kysely<unknown>, { owner, fence }: MigrationLease): Promise<void> {
  const held = sql`select 1 from migration_lease
    where name = 'schema' and owner = ${owner} and fence = ${fence} for update`
  if ((await held.execute(db)).rows.length === 0) throw new Error('Another process has taken over the migration.')
}

/** Kysely takes a session lock for a migration. This adapter checks the lease in the transaction instead. */
export class LeaseAdapter extends PostgresAdapter {
  readonly #lease: MigrationLease | undefined

  constructor(lease?: MigrationLease) {
    super()
    this.#lease = lease
  }

  override async acquireMigrationLock(db: Kysely<unknown>): Promise<void> {
    if (!this.#lease) throw new Error('A migration needs a lease.')
    await checkLease(db, this.#lease)
  }

  /** The lock ends with the transaction. */
  override async releaseMigrationLock(): Promise<void> {}
}
