import { documentKind } from '../domain/document-kinds.ts'
import { eventContext } from '../domain/events/event-parts.ts'
import { auditPruned } from '../domain/events/retention.ts'
import type { Instant } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Store } from '../ports/store.ts'
import type { Checkpoint } from './checkpoint.ts'
import { BASE, chainBase, checkpointsAfter, idOf } from './checkpoint-store.ts'

/** What pruning works with. */
export interface PruneParts {
  readonly connection: string
  readonly store: Pick<Store, 'commit' | 'document' | 'documents' | 'chain' | 'prune'>
  readonly clock: Clock
  readonly random: Random
  /** Who asks, for the event. */
  readonly actor: string
}

/** Links and checkpoints of one write, so that other writers wait only briefly. */
const BATCH = 500

/**
 * The newest checkpoint after the base whose records all happened before a time. Undefined: there is none.
 *
 * @param most the number of the last record that may be pruned
 */
export async function prunableCheckpoint(
  parts: PruneParts,
  before: Instant,
  most = Number.POSITIVE_INFINITY,
): Promise<Checkpoint | undefined> {
  const { base } = await chainBase(parts)
  let found: Checkpoint | undefined
  for await (const checkpoint of checkpointsAfter(parts, base?.number ?? 0)) {
    if (checkpoint.count > most || !(await isBefore(parts, checkpoint, before))) break
    found = checkpoint
  }
  return found
}

/** Whether the records up to a checkpoint happened before a time. */
async function isBefore({ connection, store }: PruneParts, { count, at }: Checkpoint, time: Instant): Promise<boolean> {
  if (Date.parse(at) < time) return true
  const { links } = await store.chain(connection, { after: count - 1, limit: 1 })
  const [last] = links
  return last !== undefined && last.count === count && last.event.at < time
}

/**
 * Makes a checkpoint the base of the chain, with the event that names its count and hash. The records up to it
 * count as pruned from then on; `removePruned` removes them.
 *
 * @returns false if another process set the base meanwhile
 */
export async function setBase(parts: PruneParts, checkpoint: Checkpoint): Promise<boolean> {
  const { connection, store, clock, random, actor } = parts
  const { base, revision } = await chainBase(parts)
  if (base && base.number >= checkpoint.number) return false
  const { count, hash, number, keyId } = checkpoint
  const about = eventContext({ connection, subject: keyId }, { actor }, random)
  const data = { count, hash, checkpoint: number }
  const outcome = await store.commit({
    connection,
    documents: [{ kind: documentKind.chainBase, id: BASE, value: { ...checkpoint }, expect: { revision } }],
    events: [auditPruned(about, { id: random.uuid(), at: clock.wall(), data })],
  })
  return outcome === 'done'
}

/**
 * Removes the records and the checkpoints up to the base, in batches. A kill between two batches loses nothing:
 * the next call goes on.
 *
 * @param signal stops between two batches
 * @returns how many records were removed
 */
export async function removePruned(parts: PruneParts, signal?: AbortSignal): Promise<number> {
  const { connection, store } = parts
  const { base } = await chainBase(parts)
  if (!base) return 0
  let removed = 0
  for (;;) {
    if (signal?.aborted) return removed
    // Most passes find nothing. Only one that finds something takes the write lock.
    const some = (await isPruned(parts, base))
      ? 0
      : await store.prune(connection, { through: base.count, limit: BATCH })
    removed += some
    if (some === 0 && (await removeCheckpoints(parts, base)) === 0) return removed
  }
}

/** Whether the chain begins after the base. */
async function isPruned({ connection, store }: PruneParts, base: Checkpoint): Promise<boolean> {
  const { links } = await store.chain(connection, { limit: 1 })
  return (links[0]?.count ?? Number.POSITIVE_INFINITY) > base.count
}

/** Removes checkpoints up to the base. Returns how many. */
async function removeCheckpoints({ connection, store }: PruneParts, { number }: Checkpoint): Promise<number> {
  const kind = documentKind.checkpoint
  const page = await store.documents(connection, { kind, limit: BATCH })
  const old = page.documents.filter(({ id }) => id <= idOf(number))
  if (old.length === 0) return 0
  const documents = old.map(({ id, revision }) => ({ kind, id, expect: { revision } }))
  await store.commit({ connection, documents })
  return old.length
}

/** Prunes the records up to a checkpoint. Returns how many were removed. */
export async function pruneTo(parts: PruneParts, checkpoint: Checkpoint, signal?: AbortSignal): Promise<number> {
  await setBase(parts, checkpoint)
  return removePruned(parts, signal)
}

/**
 * Prunes the chain: records before a time, up to a signed checkpoint, at most up to record `most`.
 *
 * @returns the number of records that were removed
 */
export async function pruneChain(
  parts: PruneParts,
  { before, most, signal }: { readonly before: Instant; readonly most: number; readonly signal?: AbortSignal },
): Promise<number> {
  const checkpoint = await prunableCheckpoint(parts, before, most)
  return checkpoint ? pruneTo(parts, checkpoint, signal) : removePruned(parts, signal)
}
