import { type Kysely, sql } from 'kysely'
import { endOfRow } from '../sql/ended-guests.ts'
import { postgresSchema } from './postgres-schema.ts'

const { member } = postgresSchema

/**
 * Texts that are compared or sorted. By bytes, so that pages have the same order in every database: the order of a
 * server depends on its locale.
 */
const KEY = 'text collate "C" not null'
const TIME = 'double precision not null'

/** Rows that are written all the time have room on their page, so that no index changes with them. */
const HOT = 'with (fillfactor = 50)'

const tables: Readonly<Record<string, readonly string[]>> = {
  credentials: [
    `connection ${KEY}`,
    `id ${KEY}`,
    `kind ${KEY}`,
    'generation bigint not null',
    'revision bigint not null',
    `standing ${KEY}`,
    'due_at double precision',
    `due_set_at ${TIME}`,
    `claimed_until ${TIME}`,
    `claimed_at ${TIME}`,
    `touched_at ${TIME}`,
    'lapsed integer not null',
    `subject ${KEY}`,
    'person text collate "C"',
    'was_personal integer not null',
    'tokens bytea',
    'profile bytea',
    'body text not null',
    'primary key (connection, id)',
  ],
  profile_keys: [`connection ${KEY}`, `id ${KEY}`, 'key bytea not null', 'primary key (connection, id)'],
  documents: [
    `connection ${KEY}`,
    `kind ${KEY}`,
    `id ${KEY}`,
    'revision bigint not null',
    'value bytea not null',
    'expires_at double precision',
    'kept_ms double precision',
    'due_at double precision',
    `due_set_at ${TIME}`,
    'primary key (connection, kind, id)',
  ],
  events: [
    `connection ${KEY}`,
    'chain integer not null',
    'count bigint not null',
    'version integer not null',
    `hash ${KEY}`,
    `id ${KEY}`,
    'body text not null',
    'primary key (connection, chain, count)',
  ],
  chain_heads: [
    `connection ${KEY}`,
    'chain integer not null',
    'count bigint not null',
    `hash ${KEY}`,
    `at ${TIME}`,
    'primary key (connection, chain)',
  ],
  outbox: [
    `connection ${KEY}`,
    `sink ${KEY}`,
    `event ${KEY}`,
    'chain integer not null',
    'count bigint not null',
    `queued_at ${TIME}`,
    'due_at double precision',
    `set_at ${TIME}`,
    'attempts integer not null',
    'why text',
    'primary key (connection, sink, event)',
  ],
  issued: [
    `connection ${KEY}`,
    `fingerprint ${KEY}`,
    `credential ${KEY}`,
    `expires_at ${TIME}`,
    'denied integer not null',
    'primary key (connection, fingerprint)',
  ],
  leases: [
    `connection ${KEY}`,
    `name ${KEY}`,
    `holder ${KEY}`,
    `until ${TIME}`,
    `ms ${TIME}`,
    'primary key (connection, name)',
  ],
  buckets: [`connection ${KEY}`, `lane ${KEY}`, 'state text not null', 'primary key (connection, lane)'],
  facts: [`connection ${KEY}`, `name ${KEY}`, 'value text not null', 'primary key (connection, name)'],
  keys: [`id ${KEY} primary key`, `wrapped_by ${KEY}`, 'wrapped bytea not null', `created_at ${TIME}`],
  // Ids of committed transactions, which are asked for if the answer to a commit was lost.
  commit_ids: [
    `connection ${KEY}`,
    `id ${KEY}`,
    `at ${TIME}`,
    'is_void integer not null',
    'primary key (connection, id)',
  ],
  // newest_key: its row is locked by whatever seals. needed_migration: a program that does not know it is too old.
  store_state: [`name ${KEY} primary key`, 'value text not null'],
}

const hot: ReadonlySet<string> = new Set(['chain_heads', 'leases', 'buckets', 'store_state'])

const indexes: readonly string[] = [
  'index credentials_by_kind on credentials (connection, kind, id)',
  'index credentials_by_due on credentials (connection, due_at, claimed_until, touched_at, claimed_at) where lapsed = 0',
  'index credentials_lapsed on credentials (connection, touched_at) where lapsed = 1',
  'index credentials_by_setting on credentials (connection, due_set_at) where lapsed = 0 and due_at is not null',
  'index credentials_by_subject on credentials (connection, subject)',
  'index credentials_by_person on credentials (connection, person, id) where person is not null',
  'index credentials_unindexed on credentials (connection, kind, id) where (profile is null) <> (person is null)',
  'index documents_by_expiry on documents (expires_at)',
  'index documents_by_due on documents (connection, kind, due_at) where due_at is not null',
  'index documents_by_setting on documents (connection, kind, due_set_at) where due_at is not null',
  'unique index events_by_id on events (connection, id)',
  'index outbox_by_queue on outbox (sink, due_at, queued_at, connection, count)',
  'index outbox_by_event on outbox (sink, event)',
  'index outbox_by_setting on outbox (sink, set_at) where due_at > 0',
  'index issued_by_credential on issued (connection, credential)',
  'index issued_by_expiry on issued (expires_at)',
  'index commit_ids_by_time on commit_ids (at)',
]

/** Creates all tables as SQLite has them after its own migrations. Tables of PostgreSQL alone are the last two. */
export async function createTables(db: Kysely<unknown>): Promise<void> {
  for (const [name, columns] of Object.entries(tables)) {
    const storage = hot.has(name) ? HOT : ''
    await sql.raw(`create table ${name} (${columns.join(', ')}) ${storage}`).execute(db)
  }
  for (const index of indexes) await sql.raw(`create ${index}`).execute(db)
  await sql`create index events_by_subject on events (connection, chain, (${member('body', 'subject')}), count)`.execute(
    db,
  )
  await sql`create index credentials_by_end on credentials (connection, (${endOfRow(member)}), id)
    where kind = 'guest'`.execute(db)
  await sql`insert into store_state (name, value) values ('newest_key', '0'), ('needed_migration', '0001_first')`.execute(
    db,
  )
}

/** The names of the tables of a store. */
export const tableNames: readonly string[] = Object.keys(tables)
