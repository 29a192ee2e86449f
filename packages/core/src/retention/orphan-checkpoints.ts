import { documentKind } from '../domain/document-kinds.ts'
import { pagesOf } from '../ports/pages.ts'
import type { DocumentWrite, Store } from '../ports/store.ts'

const PAGE = 100

/**
 * Removes the acknowledged checkpoints of webhook endpoints that are neither stored nor registered any more: a
 * delivery that was under way stored one after its endpoint was removed, or the endpoint left the configuration.
 *
 * @returns how many were removed
 */
export async function removeOrphanCheckpoints(
  connection: string,
  store: Pick<Store, 'commit' | 'document' | 'documents'>,
): Promise<number> {
  const kind = documentKind.acknowledgedCheckpoint
  const isGone = async (id: string): Promise<boolean> => {
    const kinds = [documentKind.endpoint, documentKind.configuredEndpoint]
    const found = await Promise.all(kinds.map((one) => store.document(connection, one, id)))
    return found.every(({ value }) => value === undefined)
  }
  let removed = 0
  for await (const { documents } of pagesOf((start) => store.documents(connection, { kind, limit: PAGE, ...start }))) {
    const orphans: DocumentWrite[] = []
    for (const { id, revision } of documents) if (await isGone(id)) orphans.push({ kind, id, expect: { revision } })
    // After a conflict, the next pass looks again.
    if (orphans.length > 0 && (await store.commit({ connection, documents: orphans })) === 'done')
      removed += orphans.length
  }
  return removed
}
