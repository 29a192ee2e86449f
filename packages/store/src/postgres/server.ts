import { sql } from 'kysely'
import type { Db } from '../sql/database.ts'
import type { DatabaseServer } from '../sql/store-keys.ts'
import { SERVER_MS } from './database-clock.ts'

const facts = sql<Omit<DatabaseServer, 'poolSize'>>`select
  split_part(current_setting('server_version'), ' ', 1) as version,
  cast(current_setting('max_connections') as integer)
    - cast(current_setting('superuser_reserved_connections') as integer) as "mostConnections",
  (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
  cast(${sql.raw(SERVER_MS)} as double precision) as time,
  current_setting('fsync') = 'on' and current_setting('full_page_writes') = 'on' as "isDurable",
  current_setting('synchronous_commit') as "synchronousCommit",
  current_setting('synchronous_standby_names') <> '' as "hasSynchronousStandby",
  exists (select from pg_stat_replication) as "hasStandby"`

/** Whether the server takes no writes: it is a standby, or its transactions are read-only. */
export async function isReadOnly(db: Db): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`select current_setting('transaction_read_only') = 'on' as is`.execute(db)
  return rows[0]?.is === true
}

/** Reads what the server says of itself. */
export async function readServer(db: Db, poolSize: number): Promise<DatabaseServer> {
  const { rows } = await facts.execute(db)
  return { ...(rows[0] as Omit<DatabaseServer, 'poolSize'>), poolSize }
}
