import type { AuditTrail, Link } from './store.ts'

const PAGE = 1_000

/**
 * Reads the links of a connection's audit chain in their order, page by page, to its end. `after`: begins after
 * this place; default: with the first link that is stored. `subject`: only the links of this subject.
 *
 * @throws the errors of the store
 */
export async function* chainLinks(
  store: Pick<AuditTrail, 'chain'>,
  connection: string,
  { after = 0, subject }: { readonly after?: number; readonly subject?: string } = {},
): AsyncGenerator<Link> {
  const only = subject === undefined ? {} : { subject }
  for (let start = after; ; ) {
    const { links, next } = await store.chain(connection, { after: start, limit: PAGE, ...only })
    yield* links
    if (next === undefined) return
    start = next
  }
}
