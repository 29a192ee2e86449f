import { checkedConnection, connectionName } from '../domain/connection-name.ts'
import { checkOptions, required, object } from '../domain/options.ts'
import { isFromFuture, type Millis, MINUTE, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import type { Store } from '../ports/store.ts'
import { repeatUntilAborted, type StoredWorker } from '../ports/worker.ts'
import { type Checkpoint, type ExportBase, signedStart } from './checkpoint.ts'
import { chainBase, latestCheckpoint, makeCheckpoint, signerOf } from './checkpoint-store.ts'
import type { ChainedRecord, ChainVerdict } from './verify-chain.ts'
import { verifyFromLast } from './verify-from-last.ts'
import { type AuditLogParts, recordsFrom, verifyStored } from './verify-stored.ts'

/**
 * The audit log of a connection: its chain of records in the store, and the signed checkpoints of the chain.
 * `run` makes a checkpoint after every 1000 records, and 10 min after the last one when there are new
 * records. The backlog counts the records after the last checkpoint.
 */
export interface AuditLog extends StoredWorker {
  /**
   * Reads the records in the order of their chain, in pages of 1000. `until`: the number of the last record,
   * default all. `after`: begins after the record of this number, default after the base. A memory store drops its
   * oldest events, so that its records may begin later.
   */
  records(until?: number, after?: number): AsyncGenerator<ChainedRecord>
  /**
   * Signs the number and hash of the last record, and stores this checkpoint. The Ed25519 key is made at first
   * use and kept in the store. Resolves to the last checkpoint again if there is no new record.
   */
  checkpoint(): Promise<Checkpoint>
  /**
   * The Ed25519 key that checkpoints are signed with, for receivers of webhooks and for archives: 32 bytes as base64url,
   * and its id. It is made at first use and kept in the store.
   */
  publicKey(): Promise<Pick<Checkpoint, 'keyId' | 'publicKey'>>
  /**
   * The checkpoint up to which records were pruned: the chain begins after it. Undefined if no record was pruned.
   */
  base(): Promise<Checkpoint | undefined>
  /**
   * Gives the first line of an export that ends with a checkpoint: the base, and the signature that the export
   * begins after it. Undefined if no record was pruned.
   */
  exportBase(end: Checkpoint): Promise<ExportBase | undefined>
  /**
   * Checks every record and every checkpoint that the store has.
   *
   * @param kept checkpoints that were kept outside the store; they reveal that the end was cut off, or that
   *   the whole chain was written anew. Default: none.
   * @param options `fromLast`: checks only the records after the last checkpoint of the store and the record that
   *   it names, so that the time does not grow with the log. Kept checkpoints are compared with those of the store,
   *   and the records that they name are checked. It does not replace a check of all records. Default false.
   * @returns the first fault, or up to which record checkpoints confirm the chain
   */
  verify(kept?: readonly Checkpoint[], options?: { readonly fromLast?: boolean }): Promise<ChainVerdict>
}

/** A checkpoint is due after so many records, or when the last one is so old and there are new records. */
const MAX_RECORDS = 1_000
const MAX_AGE: Millis = 10 * MINUTE
const POLL: Millis = 15 * SECOND

type AuditPorts = Parameters<typeof auditLog>[1]

const portsSchema = object<AuditPorts>(
  {
    store: schemas.store('commit', 'document', 'documents', 'chain', 'chainHead'),
    clock: required(schemas.clock),
  },
  { open: true },
)

/**
 * Opens the audit log of a connection. Every event that is committed to the store is a record of the log.
 *
 * @param name the name of the connection
 * @param ports the store of the connection, and a clock for the time of checkpoints
 *
 * Throws `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { auditLog, memoryStore } from '@guestpass/core'
 * import { systemClock } from '@guestpass/core/runtime-kit'
 *
 * const clock = systemClock()
 * const log = auditLog('default', { store: memoryStore({ clock }), clock })
 * for await (const { record } of log.records()) console.log(record.timestamp, record.eventType)
 * const verdict = await log.verify()
 * console.log(verdict.valid ? `${verdict.count} records` : verdict.message)
 * ```
 */
export function auditLog(
  name: string,
  ports: {
    readonly store: Pick<Store, 'commit' | 'document' | 'documents' | 'chain' | 'chainHead'>
    readonly clock: Clock
  },
): AuditLog {
  checkOptions('auditLog', ['name', name, required(connectionName)], ['ports', ports, portsSchema])
  const { store, clock } = ports
  const parts: AuditLogParts = { connection: checkedConnection(name), store, clock, signer: undefined }
  return {
    records: (until, after) => recordsFrom(parts, until, after),
    checkpoint: () => makeCheckpoint(parts),
    publicKey: async () => {
      const { keyId, publicKey } = await signerOf(parts)
      return { keyId, publicKey }
    },
    backlog: (most) => backlog(parts, most),
    run: (signal, observer) => repeatUntilAborted(() => checkpointIfDue(parts), { clock, signal, observer }),
    base: async () => (await chainBase(parts)).base,
    async exportBase(end) {
      const { base } = await chainBase(parts)
      return base && { base, signature: await signedStart(base, end, await signerOf(parts)) }
    },
    verify: (kept = [], { fromLast = false } = {}) =>
      fromLast ? verifyFromLast(parts, kept) : verifyStored(parts, kept),
  }
}

async function backlog(parts: AuditLogParts, most: number): Promise<number> {
  const { last } = await latestCheckpoint(parts)
  const { count } = await parts.store.chainHead(parts.connection)
  return Math.min(Math.max(0, count - (last?.count ?? 0)), most)
}

async function checkpointIfDue(parts: AuditLogParts): Promise<Millis> {
  if (await isDue(parts)) await makeCheckpoint(parts)
  return POLL
}

async function isDue(parts: AuditLogParts): Promise<boolean> {
  const { last } = await latestCheckpoint(parts)
  const { count } = await parts.store.chainHead(parts.connection)
  if (count <= (last?.count ?? 0)) return false
  if (!last || count >= last.count + MAX_RECORDS) return true
  const [at, now] = [Date.parse(last.at), parts.clock.wall()]
  return now - at >= MAX_AGE || isFromFuture(at, now)
}
