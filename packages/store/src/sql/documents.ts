import {
  type Document,
  type DocumentWrite,
  GuestpassError,
  type Instant,
  type Json,
  type Random,
  type Store,
} from '@guestpass/core'
import type { Selectable } from 'kysely'
import type { Place } from '../seal/cipher.ts'
import type { Vault } from '../seal/data-keys.ts'
import { bytesOf } from './bytes.ts'
import type { Db } from './database.ts'
import type { Tables } from './schema.ts'

type Row = Selectable<Tables['documents']>
type Name = Pick<Row, 'connection' | 'kind' | 'id'>

/** Expired rows that one write clears away. */
const SWEEP = 64

/** A document to write, sealed before the transaction; `row` is absent when it is to be removed. */
export interface SealedDocument {
  readonly name: Name
  readonly expect: DocumentWrite['expect']
  readonly row?: Row
}

export const placeOf = ({ connection, kind, id, revision }: Name & Pick<Row, 'revision'>): Place => ({
  connection,
  table: 'documents',
  column: 'value',
  row: `${kind.length}:${kind}${id}`,
  generation: revision,
})

export function sealedDocument(
  vault: Vault,
  random: Random,
  connection: string,
  { kind, id, value, expiresAt, expect }: DocumentWrite,
): SealedDocument {
  const name = { connection, kind, id }
  if (value === undefined) return { name, expect }
  // By luck and not by count, so that one that was removed and made again is not taken for the former.
  const revision = 1 + Math.floor(random.float() * 2 ** 48)
  const sealed = vault.seal(placeOf({ ...name, revision }), JSON.stringify(value))
  return { name, expect, row: { ...name, revision, value: sealed, expires_at: expiresAt ?? null } }
}

const living = (db: Db, now: Instant) =>
  db
    .selectFrom('documents')
    .selectAll()
    .where((row) => row.or([row('expires_at', 'is', null), row('expires_at', '>', now)]))

const rowOf = (db: Db, { connection, kind, id }: Name, now: Instant): Promise<Row | undefined> =>
  living(db, now).where('connection', '=', connection).where('kind', '=', kind).where('id', '=', id).executeTakeFirst()

async function valueOf(vault: Vault, row: Row): Promise<Json> {
  const sealed = bytesOf(
    row.value,
    `value column of documents "${row.kind}/${row.id}" (connection "${row.connection}")`,
  )
  const text = await vault.open(placeOf(row), sealed)
  try {
    return JSON.parse(text) as Json
  } catch (cause) {
    throw new GuestpassError('store_corrupt', `The document "${row.kind}/${row.id}" is not JSON.`, { cause })
  }
}

export async function documentOf(db: Db, vault: Vault, name: Name, now: Instant): Promise<Document> {
  const row = await rowOf(db, name, now)
  return row ? { revision: row.revision, value: await valueOf(vault, row) } : { revision: 0 }
}

export async function documentsOf(
  db: Db,
  vault: Vault,
  connection: string,
  { kind, after = '', limit }: Parameters<Store['documents']>[1],
  now: Instant,
): ReturnType<Store['documents']> {
  const rows = await living(db, now)
    .where('connection', '=', connection)
    .where('kind', '=', kind)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit + 1)
    .execute()
  const documents = await Promise.all(
    rows.slice(0, limit).map(async (row) => ({ id: row.id, revision: row.revision, value: await valueOf(vault, row) })),
  )
  const next = rows.length > limit ? documents.at(-1)?.id : undefined
  return { documents, ...(next === undefined ? {} : { next }) }
}

export async function documentHolds(db: Db, { name, expect }: SealedDocument, now: Instant): Promise<boolean> {
  return ((await rowOf(db, name, now))?.revision ?? 0) === expect.revision
}

export async function putDocument(db: Db, { name, row }: SealedDocument, now: Instant): Promise<void> {
  if (row === undefined) {
    const { connection, kind, id } = name
    await db
      .deleteFrom('documents')
      .where('connection', '=', connection)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .execute()
    return
  }
  const { connection: _connection, kind: _kind, id: _id, ...rest } = row
  await db
    .insertInto('documents')
    .values(row)
    .onConflict((conflict) => conflict.columns(['connection', 'kind', 'id']).doUpdateSet(rest))
    .execute()
  if (row.expires_at !== null) await sweep(db, now)
}

async function sweep(db: Db, now: Instant): Promise<void> {
  await db
    .deleteFrom('documents')
    .where((where) => {
      const key = ['connection', 'kind', 'id'] as const
      const expired = where.selectFrom('documents').select(key).where('expires_at', '<=', now).limit(SWEEP)
      return where.eb(where.refTuple(...key), 'in', expired.$asTuple(...key))
    })
    .execute()
}
