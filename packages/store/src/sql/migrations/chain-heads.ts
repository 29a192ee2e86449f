import { type Kysely, sql } from 'kysely'

export const CHAIN_HEADS = '0003_chain_heads'

type AnyDb = Kysely<unknown>

/** The table of the new layout. `copied_events` holds the `seq` of the last copied event. */
const COPY = 'events_copy'
const CURSOR = 'copied_events'

/**
 * Rows of one transaction. Few, because processes of the former version still use the store, and wait for it.
 */
export const BATCH = 2_000

async function createCopyTables(db: AnyDb): Promise<void> {
  await db.schema
    .createTable(COPY)
    .ifNotExists()
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('chain', 'integer', (column) => column.notNull())
    .addColumn('count', 'bigint', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('events_key', ['connection', 'chain', 'count'])
    .execute()
  await db.schema
    .createTable(CURSOR)
    .ifNotExists()
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .execute()
}

/** Copies the next events. False if there are no more. Call it in a transaction of its own. */
export async function copyEvents(db: AnyDb, batch = BATCH): Promise<boolean> {
  await createCopyTables(db)
  const cursor = sql`(select coalesce(max(seq), 0) from ${sql.table(CURSOR)})`
  const next = sql`select seq from events where seq > ${cursor} order by seq limit ${batch}`
  const { rows } = await sql<{ last: number | null }>`select max(seq) as last from (${next}) as next`.execute(db)
  const last = rows[0]?.last ?? undefined
  if (last === undefined) return false
  // All earlier events have links of version 1, in one chain.
  await sql`insert into ${sql.table(COPY)} (connection, chain, count, version, hash, id, body)
    select connection, 0, count, 1, hash, id, body from events where seq > ${cursor} and seq <= ${last}`.execute(db)
  await sql`delete from ${sql.table(CURSOR)}`.execute(db)
  await sql`insert into ${sql.table(CURSOR)} (seq) values (${last})`.execute(db)
  return true
}

async function createHeads(db: AnyDb): Promise<void> {
  await db.schema
    .createTable('chain_heads')
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('chain', 'integer', (column) => column.notNull())
    .addColumn('count', 'bigint', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('at', 'double precision', (column) => column.notNull())
    .addPrimaryKeyConstraint('chain_heads_key', ['connection', 'chain'])
    .execute()
  await sql`insert into chain_heads (connection, chain, count, hash, at)
    select events.connection, events.chain, events.count, events.hash, 0 from ${sql.table(COPY)} as events
    join (select connection, chain, max(count) as count from ${sql.table(COPY)} group by connection, chain) as ends
      on ends.connection = events.connection and ends.chain = events.chain and ends.count = events.count`.execute(db)
}

async function createOutbox(db: AnyDb): Promise<void> {
  await db.schema
    .createTable('outbox_copy')
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('sink', 'text', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('chain', 'integer', (column) => column.notNull())
    .addColumn('count', 'bigint', (column) => column.notNull())
    .addColumn('queued_at', 'double precision', (column) => column.notNull())
    .addColumn('due_at', 'double precision')
    .addColumn('set_at', 'double precision', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('why', 'text')
    .addPrimaryKeyConstraint('outbox_key', ['connection', 'sink', 'event'])
    .execute()
  // `seq` as time keeps their order, before all new messages, because it is less than any time.
  await sql`insert into outbox_copy
      (connection, sink, event, chain, count, queued_at, due_at, set_at, attempts, why)
    select events.connection, outbox.sink, outbox.event, 0, events.count, outbox.seq, outbox.due_at, 0,
      outbox.attempts, outbox.why from outbox join events on events.seq = outbox.seq`.execute(db)
}

async function createIndexes(db: AnyDb): Promise<void> {
  const { schema } = db
  await schema.createIndex('events_by_id').unique().on('events').columns(['connection', 'id']).execute()
  await schema
    .createIndex('outbox_by_queue')
    .on('outbox')
    .columns(['sink', 'due_at', 'queued_at', 'connection', 'count'])
    .execute()
  await schema.createIndex('outbox_by_event').on('outbox').columns(['sink', 'event']).execute()
  await schema
    .createIndex('outbox_by_setting')
    .on('outbox')
    .columns(['sink', 'set_at'])
    .where(sql<boolean>`due_at > 0`)
    .execute()
}

/** Copies the remaining events and replaces the old tables. */
export async function replaceTables(db: AnyDb): Promise<void> {
  while (await copyEvents(db));
  await createHeads(db)
  await createOutbox(db)
  for (const table of ['outbox', 'events', CURSOR]) await db.schema.dropTable(table).execute()
  await db.schema.alterTable(COPY).renameTo('events').execute()
  await db.schema.alterTable('outbox_copy').renameTo('outbox').execute()
  await createIndexes(db)
}
