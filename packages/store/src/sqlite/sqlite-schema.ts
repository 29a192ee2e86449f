import { sql } from 'kysely'
import type { SchemaDialect } from '../sql/database.ts'

/** The column types and expressions of SQLite. */
export const sqliteSchema: SchemaDialect = {
  bytes: 'blob',
  member: (column, name) =>
    sql`iif(json_valid(${sql.ref(column)}), json_extract(${sql.ref(column)}, ${sql.lit(`$.${name}`)}), '')`,
}
