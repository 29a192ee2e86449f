import { type RawBuilder, sql } from 'kysely'
import { headOf, type Place } from '../seal/cipher.ts'
import { keyPlaceOf } from '../seal/profile.ts'
import { bytesOf } from './bytes.ts'
import { placeOf as tokensPlaceOf } from './credentials.ts'
import type { Db } from './database.ts'
import { placeOf as documentPlaceOf } from './documents.ts'

interface Row {
  readonly connection: string
  /** Of documents alone. */
  readonly kind: string
  readonly id: string
  /** What the value is bound to besides its row: a generation, or the revision of a document. */
  readonly generation: number
  readonly sealed: unknown
}

/** A sealed value where it lives. */
export interface SealedValue {
  readonly row: Row
  readonly place: Place
  /** Throws `store_corrupt` when the database holds something else there. */
  readonly bytes: () => Uint8Array
}

/** A column of values that a data key has sealed. */
export interface SealedColumn {
  /** How many values a key has sealed, or, with `others`, all keys but that one. */
  count(db: Db, key: string, others?: 'others'): Promise<number>
  /** Values that another key has sealed, in the order of their rows. */
  page(db: Db, key: string, page: { readonly after?: SealedValue; readonly limit: number }): Promise<SealedValue[]>
  /** Puts a value in the place of the very one that was read; false when somebody has written since. */
  replace(db: Db, before: SealedValue, after: Uint8Array): Promise<boolean>
}

interface Shape {
  readonly table: string
  readonly column: string
  readonly key: readonly ('connection' | 'kind' | 'id')[]
  /** SQL for what values are bound to. */
  readonly generation: RawBuilder<number>
  readonly place: (row: Row) => Place
}

const shapes: readonly Shape[] = [
  {
    table: 'credentials',
    column: 'tokens',
    key: ['connection', 'id'],
    generation: sql`generation`,
    place: tokensPlaceOf,
  },
  {
    table: 'profile_keys',
    column: 'key',
    key: ['connection', 'id'],
    generation: sql`(select generation from credentials
      where credentials.connection = profile_keys.connection and credentials.id = profile_keys.id)`,
    place: keyPlaceOf,
  },
  {
    table: 'documents',
    column: 'value',
    key: ['connection', 'kind', 'id'],
    generation: sql`revision`,
    place: (row) => documentPlaceOf({ ...row, revision: row.generation }),
  },
]

function sealedColumn({ table, column, key, generation, place }: Shape): SealedColumn {
  const value = sql.ref(column)
  const rowKey = sql.join(key.map((part) => sql.ref(part)))
  const valuesOf = (row: Row): RawBuilder<unknown> => sql.join(key.map((part) => row[part]))
  const sealedBy = (id: string, equals: '=' | '<>'): RawBuilder<boolean> => {
    const head = headOf(id)
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
        place: place(row),
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

/** Every column that a data key seals: what is not in here cannot be read any more after a rotation. */
export const sealedColumns: readonly SealedColumn[] = shapes.map(sealedColumn)
