import type { Checkpoint } from '../audit/checkpoint.ts'
import { latestCheckpoint } from '../audit/checkpoint-store.ts'
import { EMPTY_CHAIN } from '../domain/chain.ts'
import { documentKind } from '../domain/document-kinds.ts'
import type { Store } from '../ports/store.ts'
import { type AcknowledgedPlace, checkpointHeader, placeOf } from './checkpoint-header.ts'

interface Parts {
  readonly connection: string
  readonly store: Pick<Store, 'commit' | 'document' | 'chain'>
}

/** The checkpoint that deliveries to an endpoint carry. */
export interface DeliveredCheckpoint {
  /** The value of the header; undefined while the connection has no checkpoint. */
  readonly header: string | undefined
  /** Records that the endpoint took a message with this header. It writes only if the checkpoint is a new one. */
  acknowledged(): Promise<void>
}

/**
 * Reads the newest checkpoint, and the hash that the chain has now at the place that the endpoint acknowledged
 * last: a receiver that knows the former hash finds a chain that was written anew.
 */
export async function checkpointFor({ connection, store }: Parts, endpoint: string): Promise<DeliveredCheckpoint> {
  // In this order: the acknowledged checkpoint is then never newer than the newest one.
  const known = await store.document(connection, documentKind.acknowledgedCheckpoint, endpoint)
  const { last } = await latestCheckpoint({ connection, store })
  if (!last) return { header: undefined, acknowledged: async () => {} }
  const since = placeOf(known.value)
  // Before the first message: if its answer is lost, the next one must name a place that the endpoint knows.
  if (!since) await write({ connection, store }, endpoint, last, known.revision)
  const place = since && (await placeNow({ connection, store }, since))
  return {
    header: checkpointHeader({ checkpoint: last, endpoint, ...(place ? { since: place } : {}) }),
    async acknowledged() {
      if (!since || since.number >= last.number) return
      await write({ connection, store }, endpoint, last, known.revision)
    },
  }
}

async function placeNow(
  { connection, store }: Parts,
  { number, count }: AcknowledgedPlace,
): Promise<AcknowledgedPlace> {
  if (count === 0) return { number, count, hash: EMPTY_CHAIN.hash }
  const { links } = await store.chain(connection, { after: count - 1, limit: 1 })
  const [link] = links
  if (!link) return { number, count }
  return link.count === count ? { number, count, hash: link.hash } : { number, count, pruned: true }
}

/** In a conflict another process has recorded the same, or the endpoint was removed. */
async function write(
  { connection, store }: Parts,
  endpoint: string,
  { number, count }: Checkpoint,
  revision: number,
): Promise<void> {
  const document = { kind: documentKind.acknowledgedCheckpoint, id: endpoint, value: { number, count } }
  await store.commit({ connection, documents: [{ ...document, expect: { revision } }] })
}
