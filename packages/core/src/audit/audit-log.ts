import { checkedConnection, connectionName } from '../domain/connection-name.ts'
import { auditRecord } from '../domain/audit-record.ts'
import { checkOptions, required, object } from '../domain/options.ts'
import { isFromFuture, type Millis, MINUTE, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import type { Store } from '../ports/store.ts'
import { repeatUntilAborted, type StoredWorker } from '../ports/worker.ts'
import type { Checkpoint } from './checkpoint.ts'
import {
  type CheckpointStoreParts,
  latestCheckpoint,
  makeCheckpoint,
  signerOf,
  storedCheckpoints,
} from './checkpoint-store.ts'
import { brokenChain, type ChainedRecord, type ChainVerdict, verifyChain } from './verify-chain.ts'

/**
 * The audit log of a connection: its chain of records in the store, and the signed checkpoints of the chain.
 * `run` makes a checkpoint after every 1000 records, and 10 min after the last one when there are new
 * records. The backlog counts the records after the last checkpoint.
 */
export interface AuditLog extends StoredWorker {
  /**
   * Reads the records in the order of their chain, in pages of 1000. `until`: the number of the last record,
   * default all. A memory store drops its oldest events, so that its records may begin later.
   */
  records(until?: number): AsyncGenerator<ChainedRecord>
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
   * Checks every record and every checkpoint.
   *
   * @param kept checkpoints that were kept outside the store; they reveal that the end was cut off, or that
   *   the whole chain was written anew. Default: none.
   * @returns the first fault, or up to which record checkpoints confirm the chain
   */
  verify(kept?: readonly Checkpoint[]): Promise<ChainVerdict>
}

const PAGE = 1_000
/** A checkpoint is due after so many records, or when the last one is so old and there are new records. */
const MAX_RECORDS = 1_000
const MAX_AGE: Millis = 10 * MINUTE
const POLL: Millis = 15 * SECOND

type AuditPorts = Parameters<typeof auditLog>[1]

interface Parts extends CheckpointStoreParts {
  readonly store: AuditPorts['store']
}

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
  const parts: Parts = { connection: checkedConnection(name), store, clock, signer: undefined }
  return {
    records: (until) => records(parts, until),
    checkpoint: () => makeCheckpoint(parts),
    publicKey: async () => {
      const { keyId, publicKey } = await signerOf(parts)
      return { keyId, publicKey }
    },
    backlog: (most) => backlog(parts, most),
    run: (signal, observer) => repeatUntilAborted(() => checkpointIfDue(parts), { clock, signal, observer }),
    verify: (kept) => verify(parts, kept),
  }
}

async function* records({ store, connection }: Parts, until = Number.POSITIVE_INFINITY): AsyncGenerator<ChainedRecord> {
  for (let after = 0; ; ) {
    const page = await store.chain(connection, { after, limit: PAGE })
    for (const { event, ...place } of page.links) {
      if (place.count > until) return
      yield { ...place, record: auditRecord(event) }
    }
    if (page.next === undefined) return
    after = page.next
  }
}

async function backlog(parts: Parts, most: number): Promise<number> {
  const { last } = await latestCheckpoint(parts)
  const { count } = await parts.store.chainHead(parts.connection)
  return Math.min(Math.max(0, count - (last?.count ?? 0)), most)
}

async function checkpointIfDue(parts: Parts): Promise<Millis> {
  if (await isDue(parts)) await makeCheckpoint(parts)
  return POLL
}

async function isDue(parts: Parts): Promise<boolean> {
  const { last } = await latestCheckpoint(parts)
  const { count } = await parts.store.chainHead(parts.connection)
  if (count <= (last?.count ?? 0)) return false
  if (!last || count >= last.count + MAX_RECORDS) return true
  const [at, now] = [Date.parse(last.at), parts.clock.wall()]
  return now - at >= MAX_AGE || isFromFuture(at, now)
}

async function verify(parts: Parts, kept: readonly Checkpoint[] = []): Promise<ChainVerdict> {
  const { connection, store } = parts
  // In this order: records that are added meanwhile are more than is expected, and none is missing.
  const { last } = await latestCheckpoint(parts)
  const own = await storedCheckpoints(parts)
  const head = await store.chainHead(connection)
  const checkpoints = [...own, ...kept]
  const fault = numberFault(own, last) ?? (await keyFault(checkpoints, parts))
  return fault ?? verifyChain(records(parts), { connection, head, checkpoints })
}

/** Checkpoints are numbered without gaps, and the last one is known, so that a removed one is found. */
function numberFault(own: readonly Checkpoint[], last: Checkpoint | undefined): ChainVerdict | undefined {
  const expected = last?.number ?? own.length
  for (let at = 0; at < Math.max(expected, own.length); at += 1) {
    if (own[at]?.number === at + 1) continue
    return broken(own[at]?.count ?? last?.count ?? 0, `Checkpoint ${at + 1} is missing from the store.`)
  }
  return undefined
}

/** Only the store's own key proves its chain. */
async function keyFault(checkpoints: readonly Checkpoint[], parts: Parts): Promise<ChainVerdict | undefined> {
  if (checkpoints.length === 0) return undefined
  const { publicKey, keyId } = await signerOf(parts)
  const foreign = checkpoints.find((checkpoint) => checkpoint.publicKey !== publicKey)
  if (!foreign) return undefined
  const { count, number } = foreign
  return broken(count, `Checkpoint ${number} is signed with key ${foreign.keyId}, and this store signs with ${keyId}.`)
}

const broken = (count: number, message: string): ChainVerdict => brokenChain(count, 'checkpoint', message)
