import { documentKind } from '../../domain/document-kinds.ts'
import { sha256Hex } from '../../ports/system.ts'
import type { DocumentWrite, Store } from '../../ports/store.ts'

/**
 * The beginning of the ids of stored answers about a guest: of documents of the kind `idempotentAnswer`, which a
 * service keeps for repeated requests. They are removed when the guest is erased.
 *
 * @param row the id of the guest's row
 */
export const answerPrefix = async (row: string): Promise<string> => `${await sha256Hex(row)}/`

/** More answers than a guest gets within a day. */
const MOST = 1_000

/** The writes that remove the stored answers about a guest. */
export async function answerRemovals(
  connection: string,
  row: string,
  store: Pick<Store, 'documents'>,
): Promise<readonly DocumentWrite[]> {
  const kind = documentKind.idempotentAnswer
  const prefix = await answerPrefix(row)
  const { documents } = await store.documents(connection, { kind, after: prefix, limit: MOST })
  return documents
    .filter(({ id }) => id.startsWith(prefix))
    .map(({ id, revision }) => ({ kind, id, expect: { revision } }))
}
