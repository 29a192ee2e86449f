import type { PgPool } from '../../src/postgres/pool.ts'

const COLUMNS = `select c.relname as relation, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
    case when a.attcollation <> 0 and l.collname <> 'default' then ' collate "' || l.collname || '"' else '' end as collation,
    case when a.attnotnull then ' not null' else '' end as required
  from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_collation l on l.oid = a.attcollation
  where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and a.attnum > 0 and not a.attisdropped
  order by c.relname collate "C", a.attnum`

const INDEXES = `select indexdef as text from pg_indexes where schemaname = current_schema()
  order by tablename collate "C", indexname collate "C"`

interface Column {
  readonly relation: string
  readonly name: string
  readonly type: string
  readonly collation: string
  readonly required: string
}

/** The tables and indexes of a database as text, the same on every version of the server. */
export async function schemaText(pool: PgPool): Promise<string> {
  const client = await pool.connect()
  try {
    const columns = (await client.query(COLUMNS)).rows as readonly Column[]
    const indexes = (await client.query(INDEXES)).rows as readonly { readonly text: string }[]
    const tables = [...Map.groupBy(columns, ({ relation }) => relation)].map(([name, ofTable]) => {
      const lines = ofTable.map((one) => `  ${one.name} ${one.type}${one.collation}${one.required}`)
      return `create table ${name} (\n${lines.join(',\n')}\n);`
    })
    const texts = indexes.map(({ text }) => `${text.replace(/^CREATE/, 'create').replaceAll(/\bpublic\./g, '')};`)
    return `${[...tables, ...texts].join('\n')}\n`
  } finally {
    client.release(false)
  }
}
