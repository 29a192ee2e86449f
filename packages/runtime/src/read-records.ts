import type { Store } from '@guestpass/core'
import { chainLinksBackwards } from '@guestpass/core/runtime-kit'
import { type Instant, type Link, type Millis, SECOND } from '@guestpass/core/store-kit'

/** Which records are read. */
export interface RecordFilter {
  readonly connection: string
  /** Only those of this guest. Default: of all. */
  readonly subject?: string | undefined
  /** Only those of these types. Default: of all. */
  readonly events?: readonly string[] | undefined
  /** Only those from then on. Default: from the first record on. */
  readonly since?: Instant | undefined
}

/** The newest records that match, in the order of the chain. */
export interface LatestRecords {
  readonly links: readonly Link[]
  /** Whether older records match, too. */
  readonly hasMore: boolean
  /** The count of the newest record of the chain, whether it matches or not. */
  readonly end: number
}

const PAGE = 1_000

/**
 * Reads the newest records that match.
 *
 * @param lines how many at most
 * @param before only records whose count is less. Default: all
 */
export async function latestRecords(
  store: Pick<Store, 'chain' | 'chainHead'>,
  filter: RecordFilter,
  { lines, before = Number.POSITIVE_INFINITY }: { readonly lines: number; readonly before?: number | undefined },
): Promise<LatestRecords> {
  const { count } = await store.chainHead(filter.connection)
  const end = Math.min(count, before - 1)
  // The store filters by subject: then every record of a page counts.
  const limit = filter.events === undefined ? Math.min(lines + 1, PAGE) : PAGE
  let links: readonly Link[] = []
  for await (const page of chainLinksBackwards(store, filter.connection, {
    before: end + 1,
    subject: filter.subject,
    limit,
  })) {
    links = [...page.filter((link) => isWanted(link, filter)).toReversed(), ...links]
    const oldest = page.at(-1)
    if (links.length > lines || !oldest || isOlder(oldest, filter.since)) break
  }
  return { links: links.slice(-lines), hasMore: links.length > lines, end: count }
}

/**
 * Reads the records after a count, and those that are appended later, until the signal aborts. Rejects with the
 * reason of the signal.
 *
 * @param wait waits until the chain is read again
 */
export async function* followedRecords(
  store: Pick<Store, 'chain' | 'chainHead'>,
  filter: RecordFilter,
  start: number,
  wait: () => Promise<void>,
): AsyncGenerator<Link> {
  for (let after = start; ; ) {
    const { links } = await store.chain(filter.connection, { after, limit: PAGE })
    yield* links.filter((link) => isWanted(link, filter))
    after = links.at(-1)?.count ?? after
    if (links.length < PAGE) await wait()
  }
}

/** Whether a filter wants a record of its connection. */
export const isWanted = (
  { event }: Link,
  { subject, events, since = Number.NEGATIVE_INFINITY }: RecordFilter,
): boolean =>
  (subject === undefined || event.subject === subject) &&
  (events === undefined || events.includes(event.type)) &&
  event.at >= since

/** Processes that share a store may commit in another order than their clocks say. */
const MOST_SKEW: Millis = 10 * SECOND

const isOlder = ({ event }: Link, since: Instant = Number.NEGATIVE_INFINITY): boolean => event.at < since - MOST_SKEW
