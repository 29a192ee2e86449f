import { auditRecord } from '../domain/audit-record.ts'
import { chainLinks } from '../ports/chain-links.ts'
import type { Store } from '../ports/store.ts'
import type { Checkpoint } from './checkpoint.ts'
import {
  chainBase,
  checkpointsAfter,
  type CheckpointStoreParts,
  latestCheckpoint,
  signerOf,
} from './checkpoint-store.ts'
import { brokenChain, type ChainedRecord, type ChainVerdict, verifyChain } from './verify-chain.ts'

/** What an audit log works with. */
export interface AuditLogParts extends CheckpointStoreParts {
  readonly store: Pick<Store, 'commit' | 'document' | 'documents' | 'chain' | 'chainHead'>
}

/** The records after a place of the chain, in their order, to the number `until`. */
export async function* recordsAfter(
  { store, connection }: AuditLogParts,
  after: number,
  until = Number.POSITIVE_INFINITY,
): AsyncGenerator<ChainedRecord> {
  for await (const { event, ...place } of chainLinks(store, connection, { after })) {
    if (place.count > until) return
    yield { ...place, record: auditRecord(event) }
  }
}

/** The records of the chain after a place, by default after its base. */
export async function* recordsFrom(
  parts: AuditLogParts,
  until: number | undefined,
  after: number | undefined,
): AsyncGenerator<ChainedRecord> {
  yield* recordsAfter(parts, after ?? (await chainBase(parts)).base?.count ?? 0, until)
}

/** Verifies all records and checkpoints that the store has. */
export const verifyStored = (parts: AuditLogParts, kept: readonly Checkpoint[]): Promise<ChainVerdict> =>
  verifiedUnpruned(parts, (base) => verifyAfter(parts, base, kept))

/** Verifies again if records were pruned meanwhile: they are not missing. */
export async function verifiedUnpruned(
  parts: AuditLogParts,
  verify: (base: Checkpoint | undefined) => Promise<ChainVerdict>,
): Promise<ChainVerdict> {
  for (;;) {
    const { base, revision } = await chainBase(parts)
    const verdict = await verify(base)
    if (verdict.valid || (await chainBase(parts)).revision === revision) return verdict
  }
}

async function verifyAfter(
  parts: AuditLogParts,
  base: Checkpoint | undefined,
  kept: readonly Checkpoint[],
): Promise<ChainVerdict> {
  const { connection, store } = parts
  // In this order: records that are added meanwhile are more than is expected, and none is missing.
  const { last } = await latestCheckpoint(parts)
  const own: Checkpoint[] = []
  for await (const checkpoint of checkpointsAfter(parts, base?.number ?? 0)) own.push(checkpoint)
  const head = await store.chainHead(connection)
  const checkpoints = [...own, ...kept]
  const fault =
    numberFault(own, last, base?.number ?? 0) ?? (await keyFault(base ? [base, ...checkpoints] : checkpoints, parts))
  if (fault) return fault
  const records = recordsAfter(parts, base?.count ?? 0)
  return verifyChain(records, { connection, head, checkpoints, ...(base ? { base } : {}) })
}

/** Checkpoints are numbered without gaps, and the last one is known, so that a removed one is found. */
function numberFault(own: readonly Checkpoint[], last: Checkpoint | undefined, base: number): ChainVerdict | undefined {
  const expected = last === undefined ? own.length : last.number - base
  for (let at = 0; at < Math.max(expected, own.length); at += 1) {
    if (own[at]?.number === base + at + 1) continue
    return broken(own[at]?.count ?? last?.count ?? 0, `Checkpoint ${base + at + 1} is missing from the store.`)
  }
  return undefined
}

/** Only the store's own key proves its chain. */
export async function keyFault(
  checkpoints: readonly Checkpoint[],
  parts: AuditLogParts,
): Promise<ChainVerdict | undefined> {
  if (checkpoints.length === 0) return undefined
  const { publicKey, keyId } = await signerOf(parts)
  const foreign = checkpoints.find((checkpoint) => checkpoint.publicKey !== publicKey)
  if (!foreign) return undefined
  const { count, number } = foreign
  return broken(count, `Checkpoint ${number} is signed with key ${foreign.keyId}, and this store signs with ${keyId}.`)
}

export const broken = (count: number, message: string): ChainVerdict => brokenChain(count, 'checkpoint', message)
