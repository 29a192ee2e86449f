import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaDialect } from '../database.ts'
import { LINK_EVENTS, linkEvents } from './link-events.ts'
import { CHAIN_HEADS, replaceTables } from './chain-heads.ts'

type AnyDb = Kysely<unknown>

async function createCredentials(db: AnyDb, { bytes }: SchemaDialect): Promise<void> {
  await db.schema
    .createTable('credentials')
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('standing', 'text', (column) => column.notNull())
    // Before the large columns, so that a claim need not read those.
    .addColumn('due_at', 'double precision')
    .addColumn('claimed_until', 'double precision', (column) => column.notNull())
    .addColumn('touched_at', 'double precision', (column) => column.notNull())
    .addColumn('lapsed', 'integer', (column) => column.notNull())
    .addColumn('tokens', bytes)
    .addColumn('body', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('credentials_key', ['connection', 'id'])
    .execute()
  await db.schema.createIndex('credentials_by_kind').on('credentials').columns(['connection', 'kind', 'id']).execute()
  for (const [name, columns, lapsed] of [
    // It holds claims and touches, so that a claim skips rows without reading them.
    ['credentials_by_due', ['due_at', 'claimed_until', 'touched_at'], 0],
    ['credentials_lapsed', ['touched_at'], 1],
  ] as const) {
    const rows = sql<boolean>`lapsed = ${sql.lit(lapsed)}`
    const index = db.schema.createIndex(name).on('credentials')
    await index
      .columns(['connection', ...columns])
      .where(rows)
      .execute()
  }
}

async function createEvents(db: AnyDb): Promise<void> {
  await db.schema
    .createTable('events')
    // Without autoincrement, SQLite reuses numbers after a delete.
    .addColumn('seq', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('body', 'text', (column) => column.notNull())
    .execute()
  await db.schema.createIndex('events_by_connection').on('events').columns(['connection', 'seq']).execute()
  await db.schema
    .createTable('outbox')
    .addColumn('sink', 'text', (column) => column.notNull())
    .addColumn('seq', 'bigint', (column) => column.notNull().references('events.seq'))
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('due_at', 'double precision')
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('why', 'text')
    .addPrimaryKeyConstraint('outbox_key', ['sink', 'event'])
    .execute()
  await db.schema.createIndex('outbox_by_due').on('outbox').columns(['sink', 'due_at', 'seq']).execute()
}

async function createIssued(db: AnyDb): Promise<void> {
  await db.schema
    .createTable('issued')
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull())
    .addColumn('credential', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'double precision', (column) => column.notNull())
    .addColumn('denied', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('issued_key', ['connection', 'fingerprint'])
    .execute()
  await db.schema.createIndex('issued_by_credential').on('issued').columns(['connection', 'credential']).execute()
  await db.schema.createIndex('issued_by_expiry').on('issued').column('expires_at').execute()
}

async function createCoordination(db: AnyDb): Promise<void> {
  await db.schema
    .createTable('leases')
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('holder', 'text', (column) => column.notNull())
    .addColumn('until', 'double precision', (column) => column.notNull())
    .addColumn('ms', 'double precision', (column) => column.notNull())
    .addPrimaryKeyConstraint('leases_key', ['connection', 'name'])
    .execute()
  for (const [table, name, value] of [
    ['buckets', 'lane', 'state'],
    ['facts', 'name', 'value'],
  ] as const) {
    await db.schema
      .createTable(table)
      .addColumn('connection', 'text', (column) => column.notNull())
      .addColumn(name, 'text', (column) => column.notNull())
      .addColumn(value, 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${table}_key`, ['connection', name])
      .execute()
  }
}

async function createKeys(db: AnyDb, { bytes }: SchemaDialect): Promise<void> {
  await db.schema
    .createTable('keys')
    .addColumn('id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('wrapped_by', 'text', (column) => column.notNull())
    .addColumn('wrapped', bytes, (column) => column.notNull())
    .addColumn('created_at', 'double precision', (column) => column.notNull())
    .execute()
}

async function createDocuments(db: AnyDb, { bytes }: SchemaDialect): Promise<void> {
  await db.schema
    .createTable('documents')
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('value', bytes, (column) => column.notNull())
    .addColumn('expires_at', 'double precision')
    .addPrimaryKeyConstraint('documents_key', ['connection', 'kind', 'id'])
    .execute()
  await db.schema.createIndex('documents_by_expiry').on('documents').column('expires_at').execute()
}

async function addProfiles(db: AnyDb, { bytes, member }: SchemaDialect): Promise<void> {
  const table = db.schema.alterTable('credentials')
  await table.addColumn('subject', 'text', (column) => column.notNull().defaultTo('')).execute()
  await table.addColumn('profile', bytes).execute()
  await sql`update credentials set subject = ${member('body', 'subject')}`.execute(db)
  await db.schema.createIndex('credentials_by_subject').on('credentials').columns(['connection', 'subject']).execute()
  await db.schema
    .createTable('profile_keys')
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('key', bytes, (column) => column.notNull())
    .addPrimaryKeyConstraint('profile_keys_key', ['connection', 'id'])
    .execute()
}

async function addChain(db: AnyDb): Promise<void> {
  const table = db.schema.alterTable('events')
  await table.addColumn('count', 'bigint', (column) => column.notNull().defaultTo(0)).execute()
  await table.addColumn('hash', 'text', (column) => column.notNull().defaultTo('')).execute()
  await linkEvents(db)
  await db.schema.dropIndex('events_by_connection').execute()
  const index = db.schema.createIndex('events_by_count').on('events').unique()
  await index.columns(['connection', 'count']).execute()
}

async function addClaimTimes(db: AnyDb): Promise<void> {
  const credentials = db.schema.alterTable('credentials')
  await credentials.addColumn('claimed_at', 'double precision', (column) => column.notNull().defaultTo(0)).execute()
  await credentials.addColumn('due_set_at', 'double precision', (column) => column.notNull().defaultTo(0)).execute()
  await credentials.addColumn('was_personal', 'integer', (column) => column.notNull().defaultTo(0)).execute()
  await db.schema.alterTable('documents').addColumn('kept_ms', 'double precision').execute()
  await db.schema.dropIndex('credentials_by_due').execute()
  await db.schema
    .createIndex('credentials_by_due')
    .on('credentials')
    .columns(['connection', 'due_at', 'claimed_until', 'touched_at', 'claimed_at'])
    .where(sql<boolean>`lapsed = 0`)
    .execute()
  await db.schema
    .createIndex('credentials_by_setting')
    .on('credentials')
    .columns(['connection', 'due_set_at'])
    .where(sql<boolean>`lapsed = 0 and due_at is not null`)
    .execute()
}

async function addDueDocuments(db: AnyDb): Promise<void> {
  const table = () => db.schema.alterTable('documents')
  // 0 means due now, so that documents which a process of the former version still writes are not forgotten.
  await table()
    .addColumn('due_at', 'double precision', (column) => column.defaultTo(0))
    .execute()
  await table()
    .addColumn('due_set_at', 'double precision', (column) => column.notNull().defaultTo(0))
    .execute()
  for (const [name, column] of [
    ['documents_by_due', 'due_at'],
    ['documents_by_setting', 'due_set_at'],
  ] as const) {
    await db.schema
      .createIndex(name)
      .on('documents')
      .columns(['connection', 'kind', column])
      .where(sql<boolean>`due_at is not null`)
      .execute()
  }
}

async function addEventSubjects(db: AnyDb, { member }: SchemaDialect): Promise<void> {
  // Over an expression, not a column, so that events which a process of the former version writes are in it.
  await sql`create index events_by_subject on events (connection, chain, (${member('body', 'subject')}), count)`.execute(
    db,
  )
}

async function addPersons(db: AnyDb): Promise<void> {
  await db.schema.alterTable('credentials').addColumn('person', 'text').execute()
  await db.schema
    .createIndex('credentials_by_person')
    .on('credentials')
    .columns(['connection', 'person', 'id'])
    .where(sql<boolean>`person is not null`)
    .execute()
  // The rows that a version without the column wrote, until a search indexes them.
  await db.schema
    .createIndex('credentials_unindexed')
    .on('credentials')
    .columns(['connection', 'kind', 'id'])
    .where(sql<boolean>`(profile is null) <> (person is null)`)
    .execute()
}

async function addGuestEnds(db: AnyDb, { member }: SchemaDialect): Promise<void> {
  const number = (name: string) => sql`cast(nullif(${member('body', name)}, '') as double precision)`
  const end = sql`coalesce(${number('aliveUntil')}, ${number('createdAt')})`
  await sql`create index credentials_by_end on credentials (connection, (${end}), id) where kind = 'guest'`.execute(db)
}

/** All migrations by name, in the order of their names. The name of a released migration never changes. */
export const migrationsFor = (dialect: SchemaDialect): Readonly<Record<string, Migration>> => ({
  '0001_first': {
    async up(db) {
      await createCredentials(db, dialect)
      await createEvents(db)
      await createIssued(db)
      await createCoordination(db)
      await createKeys(db, dialect)
    },
  },
  [LINK_EVENTS]: {
    async up(db) {
      await createDocuments(db, dialect)
      await addProfiles(db, dialect)
      await addChain(db)
    },
  },
  [CHAIN_HEADS]: {
    async up(db) {
      await addClaimTimes(db)
      await replaceTables(db)
    },
  },
  '0004_due_documents': { up: addDueDocuments },
  '0005_persons': { up: addPersons },
  '0006_event_subjects': { up: (db) => addEventSubjects(db, dialect) },
  '0007_ended_guests': { up: (db) => addGuestEnds(db, dialect) },
})
