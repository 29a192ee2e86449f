import type { Event } from '@guestpass/core'
import { type ChainHead, EMPTY_CHAIN } from '@guestpass/core/store-kit'
import type { Kysely } from 'kysely'
import { nextHead } from '../audit-chain.ts'

export const LINK_EVENTS = '0002_profiles_documents_chain'

/** Rows of one read. */
const PAGE = 1_000

/** The table of events at this migration. */
interface TablesThen {
  readonly events: {
    readonly seq: number
    readonly connection: string
    readonly id: string
    readonly body: string
    readonly count: number
    readonly hash: string
  }
}

/**
 * Adds the events of a store without a chain to a chain for each connection, in the order of their commits.
 */
export async function linkEvents(older: Kysely<unknown>): Promise<void> {
  const db = older as Kysely<TablesThen>
  const heads = new Map<string, ChainHead>()
  for (let seq = 0; ; ) {
    const rows = await db
      .selectFrom('events')
      .select(['seq', 'body'])
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(PAGE)
      .execute()
    for (const row of rows) {
      const event = JSON.parse(row.body) as Event
      const head = nextHead(heads.get(event.connection) ?? EMPTY_CHAIN, event, 1)
      heads.set(event.connection, head)
      await db.updateTable('events').set({ count: head.count, hash: head.hash }).where('seq', '=', row.seq).execute()
      seq = row.seq
    }
    if (rows.length < PAGE) return
  }
}
