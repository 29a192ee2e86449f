import { auditRecord } from '../domain/audit-record.ts'
import { EMPTY_CHAIN, linkText } from '../domain/chain.ts'
import { sha256Hex } from '../ports/system.ts'
import type { Checkpoint } from './checkpoint.ts'
import { checkpointAt, latestCheckpoint } from './checkpoint-store.ts'
import { brokenChain, type ChainVerdict, verifyChain } from './verify-chain.ts'
import { type AuditLogParts, broken, keyFault, recordsAfter, verifiedUnpruned, verifyStored } from './verify-stored.ts'

/**
 * Verifies the records after the last checkpoint of the store, and the record that it names. Earlier kept
 * checkpoints are compared with those of the store, and their records are checked too. Without a checkpoint, all
 * records are verified.
 */
export const verifyFromLast = (parts: AuditLogParts, kept: readonly Checkpoint[]): Promise<ChainVerdict> =>
  verifiedUnpruned(parts, async (base) => {
    const { last } = await latestCheckpoint(parts)
    return last ? verifyAfterLast(parts, { base, last }, kept) : verifyStored(parts, kept)
  })

async function verifyAfterLast(
  parts: AuditLogParts,
  { base, last }: { readonly base: Checkpoint | undefined; readonly last: Checkpoint },
  kept: readonly Checkpoint[],
): Promise<ChainVerdict> {
  const { connection, store } = parts
  const head = await store.chainHead(connection)
  const checkpoints = [...kept.filter(({ number }) => number < last.number), last]
  const fault =
    (await keyFault([last, ...kept], parts)) ??
    (await earlierFault(parts, kept, { base, last })) ??
    (await recordFault(parts, base, checkpoints))
  if (fault) return fault
  return verifyChain(recordsAfter(parts, last.count), { connection, head, checkpoints: kept, base: last })
}

/** The first kept checkpoint that differs from the one of its number in the store. */
async function earlierFault(
  parts: AuditLogParts,
  kept: readonly Checkpoint[],
  { base, last }: { readonly base: Checkpoint | undefined; readonly last: Checkpoint },
): Promise<ChainVerdict | undefined> {
  for (const { number, count, hash } of kept) {
    if (number <= (base?.number ?? 0) || number > last.number) continue
    const own = await checkpointAt(parts, number)
    if (!own) return broken(count, `Checkpoint ${number} is missing from the store.`)
    if (own.count !== count || own.hash !== hash)
      return broken(count, `Checkpoint ${number} of the store is another one: the chain was written anew.`)
  }
  return undefined
}

/** The first checkpoint after the base whose own record is gone, or is another one. */
async function recordFault(
  parts: AuditLogParts,
  base: Checkpoint | undefined,
  checkpoints: readonly Checkpoint[],
): Promise<ChainVerdict | undefined> {
  for (const checkpoint of checkpoints.toSorted((a, b) => a.count - b.count)) {
    if (checkpoint.count <= (base?.count ?? 0)) continue
    const fault = await anchorRecordFault(parts, base, checkpoint)
    if (fault) return fault
  }
  return undefined
}

/** Reads the record that a checkpoint names, and the one before it, over which its hash was made. */
async function anchorRecordFault(
  { connection, store }: AuditLogParts,
  base: Checkpoint | undefined,
  { number, count, hash }: Checkpoint,
): Promise<ChainVerdict | undefined> {
  const { links } = await store.chain(connection, { after: Math.max(0, count - 2), limit: 2 })
  const found = links.find((link) => link.count === count)
  if (!found) return lostRecords({ number, count }, await placesAround(store, connection, count))
  if (found.hash !== hash)
    return broken(count, `Record ${count} is not the one that checkpoint ${number} names: the chain was written anew.`)
  const before = count === 1 ? EMPTY_CHAIN : base?.count === count - 1 ? base : links[0]
  if (before?.count !== count - 1)
    return brokenChain(count - 1, 'missing', `Record ${count - 1} is missing, before the one of checkpoint ${number}.`)
  const head = { chain: before.chain ?? 0, count: before.count, hash: before.hash }
  if ((await sha256Hex(linkText(connection, head, auditRecord(found.event), found.version))) === hash) return undefined
  return brokenChain(count, 'edited', `Record ${count}, which checkpoint ${number} names, was changed.`)
}

/** The numbers of the records before and after a place, undefined where there is none. */
async function placesAround(
  store: AuditLogParts['store'],
  connection: string,
  count: number,
): Promise<{ readonly before: number; readonly after: number | undefined }> {
  const [before] = (await store.chain(connection, { before: count, limit: 1 })).links
  const [after] = (await store.chain(connection, { after: count, limit: 1 })).links
  return { before: before?.count ?? 0, after: after?.count }
}

function lostRecords(
  { number, count }: Pick<Checkpoint, 'number' | 'count'>,
  { before, after }: { readonly before: number; readonly after: number | undefined },
): ChainVerdict {
  const first = before + 1
  if (after === undefined) {
    const message = `The chain ends with record ${before}, and checkpoint ${number} knew ${count}: its end was cut off.`
    return brokenChain(first, 'truncated', message)
  }
  const what = first === after - 1 ? `Record ${first} is` : `Records ${first} to ${after - 1} are`
  return brokenChain(first, 'missing', `${what} missing, and checkpoint ${number} names record ${count}.`)
}
