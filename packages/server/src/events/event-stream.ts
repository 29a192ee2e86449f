import { auditRecord, type Link, type Millis, SECOND } from '@guestpass/core/store-kit'
import { isWanted, type RecordFilter } from '@guestpass/runtime'
import type { Caller } from '../auth/caller.ts'

/** How often the chain is read for new records. */
const POLL: Millis = 500
/** How often a line is sent when there is no record: proxies end silent connections. */
const KEEP_ALIVE: Millis = 15 * SECOND
/** Records that are read at once. A slow reader holds no more of them in memory. */
const PAGE = 100
/** How long a client waits before it connects again, in milliseconds. */
const RETRY = 2_000

/**
 * Gives audit records as server-sent events (WHATWG HTML, 9.2), as any process commits them. The id of an event is
 * the number of its record in the chain, so that a client goes on where it was. Ends when the signal aborts, or when
 * the key of the caller is not valid any more.
 *
 * @param after the number of the last record that the client has
 */
export async function* eventStream(
  caller: Caller,
  filter: RecordFilter,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { store, ports } = caller.served.runtime
  const { clock } = ports
  yield `retry: ${RETRY}\n\n`
  let sentAt = clock.monotonic()
  for (let last = after; !signal.aborted; ) {
    const { links } = await store.chain(filter.connection, { after: last, limit: PAGE })
    for (const link of links.filter((one) => isWanted(one, filter))) {
      yield frame(link)
      sentAt = clock.monotonic()
    }
    last = links.at(-1)?.count ?? last
    if (links.length === PAGE) continue
    if (clock.monotonic() - sentAt >= KEEP_ALIVE) {
      if (!(await caller.isValid())) return
      yield ': keep-alive\n\n'
      sentAt = clock.monotonic()
    }
    await clock.sleep(POLL, signal).catch(() => {})
  }
}

const frame = ({ count, event }: Link): string =>
  `id: ${count}\nevent: ${event.type}\ndata: ${JSON.stringify(auditRecord(event))}\n\n`
