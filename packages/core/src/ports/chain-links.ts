import type { AuditTrail, Link } from './store.ts'

const PAGE = 1_000

/**
 * Reads the links of a connection's audit chain in their order, page by page, to its end. `after`: begins after
 * this place; default: with the first link that is stored.
 *
 * @throws the errors of the store
 */
export async function* chainLinks(
  store: Pick<AuditTrail, 'chain'>,
  connection: string,
  { after = 0 }: { readonly after?: number } = {},
): AsyncGenerator<Link> {
  for (let start = after; ; ) {
    const { links, next } = await store.chain(connection, { after: start, limit: PAGE })
    yield* links
    if (next === undefined) return
    start = next
  }
}

/** A place that is after every link. */
export const END = Number.MAX_SAFE_INTEGER

/**
 * Reads the links of a connection's audit chain from the newest to the oldest, a page at a time. `before`: begins
 * before this place; default: with the newest link. `subject`: only the links of this subject. `limit`: the most
 * links of a page, 1 to 1000, which is the default.
 *
 * @throws the errors of the store
 */
export async function* chainLinksBackwards(
  store: Pick<AuditTrail, 'chain'>,
  connection: string,
  {
    before = END,
    subject,
    limit = PAGE,
  }: { readonly before?: number | undefined; readonly subject?: string | undefined; readonly limit?: number } = {},
): AsyncGenerator<readonly Link[]> {
  const only = subject === undefined ? {} : { subject }
  for (let start = before; ; ) {
    const { links, next } = await store.chain(connection, { before: start, limit, ...only })
    yield links
    if (next === undefined) return
    start = next
  }
}

/**
 * Reads the newest links of a connection's audit chain, the newest first: one read, however long the chain is.
 * `limit`: the most links, 1 to 1000. `before`: only links before this place; default: all. `subject`: only the links
 * of this subject.
 *
 * @throws the errors of the store
 */
export async function newestLinks(
  store: Pick<AuditTrail, 'chain'>,
  connection: string,
  {
    before = END,
    ...page
  }: { readonly limit: number; readonly before?: number | undefined; readonly subject?: string },
): Promise<readonly Link[]> {
  return (await store.chain(connection, { before, ...page })).links
}
