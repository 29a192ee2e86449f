import { sql } from 'kysely'
import type { SchemaDialect } from '../sql/database.ts'

/**
 * Matches JSON with escapes that PostgreSQL cannot make characters of: NUL, and halves of characters. A text of an
 * upstream may have them.
 */
const ODD_ESCAPE = String.raw`\\u(0000|[dD][89a-fA-F])`

/** The column types and expressions of PostgreSQL. */
export const postgresSchema: SchemaDialect = {
  bytes: 'bytea',
  member(column, name) {
    const text = sql.ref(column)
    // A key is never inside of a string, where its quotes are escaped.
    const match = sql.lit(`"${name}":"?([^",}]*)`)
    return sql`(case when ${text} ~ ${sql.lit(ODD_ESCAPE)} then substring(${text} from ${match})
      else coalesce(cast(${text} as json) ->> ${sql.lit(name)}, '') end)`
  },
}
