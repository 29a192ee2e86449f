import { type RawBuilder, sql } from 'kysely'
import { sealHeader, type SealContext } from '../seal/cipher.ts'
import { profileKeyContext } from '../seal/sealed-profile.ts'
import { bytesOf } from './bytes.ts'
import { tokensContext } from './credentials.ts'
import type { Db } from './database.ts'
import { documentContext } from './documents.ts'

interface Row {
  readonly connection: string
  /** Documents only. */
  readonly kind: string
  readonly id: string
  /** The generation of the credential, or the revision of the document. */
  readonly generation: number
  readonly sealed: unknown
}

/** A sealed value and its row. */
export interface SealedValue {
  readonly row: Row
  readonly context: SealContext
  /** Throws `store_corrupt` if the column does not hold bytes. */
  readonly bytes: () => Uint8Array
}

/** A column of sealed values. */
export interface SealedColumn {
  /** Counts the values that a data key has sealed; with `others`, those that all other keys have sealed. */
  count(db: Db, key: string, others?: 'others'): Promise<number>
  /** Values that other keys than `key` have sealed, in the order of their rows. */
  page(db: Db, key: string, page: { readonly after?: SealedValue; readonly limit: number }): Promise<SealedValue[]>
  /** Replaces a value. False if another write has changed it since it was read. */
  replace(db: Db, before: SealedValue, after: Uint8Array): Promise<boolean>
}

interface SealedColumnShape {
  readonly table: string
  readonly column: string
  readonly key: readonly ('connection' | 'kind' | 'id')[]
  /** SQL for the generation or revision of a row. */
  readonly generation: RawBuilder<number>
  readonly context: (row: Row) => SealContext
}

const shapes: readonly SealedColumnShape[] = [
  {
    table: 'credentials',
    column: 'tokens',
    key: ['connection', 'id'],
    generation: sql`generation`,
    context: tokensContext,
  },
  {
    table: 'profile_keys',
    column: 'key',
    key: ['connection', 'id'],
    generation: sql`(select generation from credentials
      where credentials.connection = profile_keys.connection and credentials.id = profile_keys.id)`,
    context: profileKeyContext,
  },
  {
    table: 'documents',
    column: 'value',
    key: ['connection', 'kind', 'id'],
    generation: sql`revision`,
    context: (row) => documentContext({ ...row, revision: row.generation }),
  },
]

function sealedColumn({ table, column, key, generation, context }: SealedColumnShape): SealedColumn {
  const value = sql.ref(column)
  const rowKey = sql.join(key.map((part) => sql.ref(part)))
  const valuesOf = (row: Row): RawBuilder<unknown> => sql.join(key.map((part) => row[part]))
  const sealedBy = (id: string, equals: '=' | '<>'): RawBuilder<boolean> => {
    const head = sealHeader(id)
    return sql`${value} is not null and substr(${value}, 1, ${sql.lit(head.length)}) ${sql.raw(equals)} ${head}`
  }
  return {
    async count(db, id, others) {
      const query = sql<{ n: number }>`select count(*) as n from ${sql.table(table)}
        where ${sealedBy(id, others ? '<>' : '=')}`
      return Number((await query.execute(db)).rows[0]?.n)
    },
    async page(db, id, { after, limit }) {
      const beyond = after ? sql`and (${rowKey}) > (${valuesOf(after.row)})` : sql``
      const query = sql<Row>`select ${rowKey}, ${generation} as generation, ${value} as sealed from ${sql.table(table)}
        where ${sealedBy(id, '<>')} ${beyond} order by ${rowKey} limit ${limit}`
      return (await query.execute(db)).rows.map((row) => ({
        row,
        context: context(row),
        bytes: () => bytesOf(row.sealed, `${column} column of ${table} "${row.id}" (connection "${row.connection}")`),
      }))
    },
    async replace(db, { row, bytes }, after) {
      const query = sql`update ${sql.table(table)} set ${value} = ${after}
        where (${rowKey}) = (${valuesOf(row)}) and ${value} = ${bytes()}`
      return ((await query.execute(db)).numAffectedRows ?? 0n) > 0n
    },
  }
}

/** Every column that a data key seals. After a rotation, values of other columns could not be read. */
export const sealedColumns: readonly SealedColumn[] = shapes.map(sealedColumn)
