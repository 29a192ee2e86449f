import { GuestpassError, type Random } from '@guestpass/core'
import {
  latestCredible,
  DAY,
  DOCUMENT_TOLERANCE,
  type Document,
  type Documents,
  type DocumentWrite,
  type Instant,
  type Json,
} from '@guestpass/core/store-kit'
import { type Selectable, sql } from 'kysely'
import type { SealContext } from '../seal/cipher.ts'
import type { Sealer } from '../seal/sealer.ts'
import { bytesOf } from './bytes.ts'
import type { Db } from './database.ts'
import type { Tables } from './schema.ts'
import { countRows } from './rows.ts'
import { transactionState } from './transaction-state.ts'

type Row = Selectable<Tables['documents']>
type Name = Pick<Row, 'connection' | 'kind' | 'id'>

/** A document to write, sealed before the transaction. `row` is absent to remove it. */
export interface SealedDocument {
  readonly name: Name
  readonly expect: DocumentWrite['expect']
  readonly row?: Omit<Row, 'kept_ms' | 'due_set_at'>
}

export const documentContext = ({ connection, kind, id, revision }: Name & Pick<Row, 'revision'>): SealContext => ({
  connection,
  table: 'documents',
  column: 'value',
  row: `${kind.length}:${kind}${id}`,
  generation: revision,
})

export function sealDocument(
  sealer: Sealer,
  random: Random,
  connection: string,
  { kind, id, value, expiresAt, dueAt, expect }: DocumentWrite,
): SealedDocument {
  const name = { connection, kind, id }
  if (value === undefined) return { name, expect }
  // Random, so that a document that was removed and created again has another revision.
  const revision = 1 + Math.floor(random.float() * 2 ** 48)
  const sealed = sealer.seal(documentContext({ ...name, revision }), JSON.stringify(value))
  return {
    name,
    expect,
    row: { ...name, revision, value: sealed, expires_at: expiresAt ?? null, due_at: dueAt ?? null },
  }
}

/**
 * Whether a document has expired. One whose remaining time exceeds its lifetime was written by a clock that
 * was ahead, and counts as expired.
 */
export const isExpired = (now: Instant) => sql<boolean>`(documents.expires_at is not null
  and (documents.expires_at <= ${now}
    or documents.expires_at - coalesce(documents.kept_ms, documents.expires_at) > ${latestCredible(now, DOCUMENT_TOLERANCE)}))`

const unexpired = (db: Db, now: Instant) =>
  db
    .selectFrom('documents')
    .selectAll()
    .where(({ not }) => not(isExpired(now)))

const readRow = (db: Db, { connection, kind, id }: Name, now: Instant): Promise<Row | undefined> =>
  unexpired(db, now)
    .where('connection', '=', connection)
    .where('kind', '=', kind)
    .where('id', '=', id)
    .executeTakeFirst()

async function openValue(sealer: Sealer, row: Row): Promise<Json> {
  const sealed = bytesOf(
    row.value,
    `value column of documents "${row.kind}/${row.id}" (connection "${row.connection}")`,
  )
  const text = await sealer.open(documentContext(row), sealed)
  try {
    return JSON.parse(text) as Json
  } catch (cause) {
    throw new GuestpassError('store_corrupt', `The document "${row.kind}/${row.id}" is not JSON.`, { cause })
  }
}

export async function findDocument(db: Db, sealer: Sealer, name: Name, now: Instant): Promise<Document> {
  const row = await readRow(db, name, now)
  return row ? { revision: row.revision, value: await openValue(sealer, row) } : { revision: 0 }
}

export async function listDocuments(
  db: Db,
  sealer: Sealer,
  connection: string,
  { kind, after = '', limit }: Parameters<Documents['documents']>[1],
  now: Instant,
): ReturnType<Documents['documents']> {
  const rows = await unexpired(db, now)
    .where('connection', '=', connection)
    .where('kind', '=', kind)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit + 1)
    .execute()
  const documents = await Promise.all(
    rows
      .slice(0, limit)
      .map(async (row) => ({ id: row.id, revision: row.revision, value: await openValue(sealer, row) })),
  )
  const next = rows.length > limit ? documents.at(-1)?.id : undefined
  return { documents, ...(next === undefined ? {} : { next }) }
}

export async function countDocuments(
  db: Db,
  { connection, kind, most }: { readonly connection: string; readonly kind: string; readonly most: number },
  now: Instant,
): Promise<number> {
  const rows = db
    .selectFrom('documents')
    .select('id')
    .where('connection', '=', connection)
    .where('kind', '=', kind)
    .where(({ not }) => not(isExpired(now)))
    .limit(most)
  return countRows(db, rows)
}

const isNamed = ({ connection, kind, id }: Name) =>
  sql<boolean>`documents.connection = ${connection} and documents.kind = ${kind} and documents.id = ${id}`

/**
 * Writes or removes a document. False if it does not have the expected revision, which the statement checks.
 */
export function writeExpectedDocument(db: Db, document: SealedDocument, now: Instant): Promise<boolean> {
  const { name, row } = document
  if (row === undefined) return removeRow(db, document, now)
  transactionState(db).expiring += row.expires_at === null ? 0 : 1
  const kept_ms = row.expires_at === null ? null : row.expires_at - now
  return writeRow(db, name, { ...row, kept_ms, due_set_at: now }, document, now)
}

async function writeRow(
  db: Db,
  name: Name,
  row: Row,
  { expect: { revision } }: SealedDocument,
  now: Instant,
): Promise<boolean> {
  const { connection: _connection, kind: _kind, id: _id, ...rest } = row
  if (revision === 0) {
    const added = await db
      .insertInto('documents')
      .values(row)
      .onConflict((conflict) => conflict.columns(['connection', 'kind', 'id']).doUpdateSet(rest).where(isExpired(now)))
      .returning('revision')
      .executeTakeFirst()
    return added !== undefined
  }
  const changed = await db
    .updateTable('documents')
    .set(rest)
    .where(isNamed(name))
    .where('revision', '=', revision)
    .where(({ not }) => not(isExpired(now)))
    .returning('revision')
    .executeTakeFirst()
  return changed !== undefined
}

async function removeRow(db: Db, { name, expect: { revision } }: SealedDocument, now: Instant): Promise<boolean> {
  if (revision === 0) {
    await db.deleteFrom('documents').where(isNamed(name)).where(isExpired(now)).execute()
    return (await readRow(db, name, now)) === undefined
  }
  const gone = await db
    .deleteFrom('documents')
    .where(isNamed(name))
    .where('revision', '=', revision)
    .where(({ not }) => not(isExpired(now)))
    .returning('revision')
    .executeTakeFirst()
  return gone !== undefined
}

/**
 * Deletes at most `most` documents that expired a day ago or earlier. The day protects documents from a clock
 * that is set forward.
 */
export async function sweepDocuments(db: Db, most: number, now: Instant): Promise<void> {
  await db
    .deleteFrom('documents')
    .where((where) => {
      const key = ['connection', 'kind', 'id'] as const
      const over = where
        .selectFrom('documents')
        .select(key)
        .where('expires_at', '<=', now - DAY)
        .limit(most)
        .forUpdate()
        .skipLocked()
      return where.eb(where.refTuple(...key), 'in', over.$asTuple(...key))
    })
    .execute()
}
