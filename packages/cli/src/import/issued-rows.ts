import type { Event, Store } from '@guestpass/core'
import type { Journal } from './journal.ts'

const PAGE = 1_000

/** Events that are committed with a guest that was issued. */
const issueEvents: ReadonlySet<Event['type']> = new Set([
  'TOKEN_GENERATED_SUCCESS',
  'REFRESH_COMPLETED',
  'guest.authentication',
])

/**
 * Marks the rows that were cut off after their guest was issued, as done. The audit log knows: an event is
 * committed with each guest.
 */
export async function markIssuedRows(journal: Journal, store: Pick<Store, 'chain'>, connection: string): Promise<void> {
  const { since, rows } = journal.interrupted
  const lines = new Map(Array.from(rows, ([line, { request }]) => [request, line]))
  lines.delete(undefined)
  for (let after: number | undefined = since; after !== undefined && lines.size > 0; ) {
    const page = await store.chain(connection, { after, limit: PAGE })
    for (const { event } of page.links) {
      const line = lines.get(event.correlationId)
      if (line === undefined || event.outcome !== 'success' || !issueEvents.has(event.type)) continue
      journal.done(line)
      lines.delete(event.correlationId)
    }
    after = page.next
  }
}
