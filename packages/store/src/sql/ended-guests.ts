import { type EndedGuest, type EndedGuestRequest, guestEnd, type Instant } from '@guestpass/core/store-kit'
import { type RawBuilder, sql } from 'kysely'
import type { Sealer } from '../seal/sealer.ts'
import { openGuest, rowsOf } from './credentials.ts'
import type { Db, SchemaDialect } from './database.ts'

type Member = SchemaDialect['member']

const numberIn = (member: Member, name: string) => sql`cast(nullif(${member('body', name)}, '') as double precision)`

/** `guestEnd` of a row. The index `credentials_by_end` is over the same expression. */
export const endOfRow = (member: Member): RawBuilder<Instant> =>
  sql<Instant>`coalesce(${numberIn(member, 'aliveUntil')}, ${numberIn(member, 'createdAt')})`

/** Guests whose last token expired before a time, in the order of these times. */
export async function listEndedGuests(
  db: Db,
  { sealer, member }: { readonly sealer: Sealer; readonly member: Member },
  connection: string,
  { before, after, limit }: EndedGuestRequest,
): Promise<readonly EndedGuest[]> {
  const end = endOfRow(member)
  const rows = await rowsOf(db, connection)
    // A literal, because a partial index is used only if the query names its value.
    .where('credentials.kind', '=', sql.lit('guest' as const))
    .where(sql<boolean>`${end} < ${before}`)
    .$if(after !== undefined, (query) => {
      const { endedAt = 0, id = '' } = after ?? {}
      return query
        .where(sql<boolean>`${end} >= ${endedAt}`)
        .where(({ or, eb }) => or([sql<boolean>`${end} > ${endedAt}`, eb('credentials.id', '>', id)]))
    })
    .orderBy(end)
    .orderBy('credentials.id')
    .limit(limit)
    .execute()
  return Promise.all(
    rows.map(async (row) => {
      const credential = await openGuest(sealer, row)
      return { credential, revision: row.revision, endedAt: guestEnd(credential) }
    }),
  )
}
