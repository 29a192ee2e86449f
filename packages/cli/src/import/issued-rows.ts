import type { Event, Store } from '@guestpass/core'
import { chainLinks } from '@guestpass/core/runtime-kit'
import type { Journal } from './journal.ts'

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
  if (lines.size === 0) return
  for await (const { event } of chainLinks(store, connection, { after: since })) {
    const line = lines.get(event.correlationId)
    if (line === undefined || event.outcome !== 'success' || !issueEvents.has(event.type)) continue
    journal.done(line)
    lines.delete(event.correlationId)
    if (lines.size === 0) return
  }
}
