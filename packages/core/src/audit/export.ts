import type { AuditRecord } from '../domain/audit-record.ts'
import { type LinkPlace, type LinkVersion, EMPTY_CHAIN } from '../domain/chain.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { AuditLog } from './audit-log.ts'
import type { Checkpoint } from './checkpoint.ts'
import { readExportLine } from './export-line.ts'
import { type OcsfRecord, ocsfRecord } from './ocsf.ts'
import {
  type ChainCheck,
  createChainCheck,
  type ChainedRecord,
  type ChainVerdict,
  brokenChain,
} from './verify-chain.ts'

/** The place of a record in the chain, as the member `chain` of an exported record. */
export type ExportedPlace = Pick<LinkPlace, 'count' | 'hash'> & {
  /** The format of the text that was hashed. Absent for version 1. */
  readonly version?: LinkVersion
  /** The number of the chain, from 0: `LinkPlace.chain`. Absent for version 1. */
  readonly number?: number
}

/**
 * An audit record as it is exported: with its place in the chain, so that the file can be verified by itself.
 */
export type ExportedRecord = AuditRecord & { readonly chain: ExportedPlace }

/** The last line of an export: the checkpoint that signs the records before it. */
export interface ExportEnd {
  readonly checkpoint: Checkpoint
}

/**
 * Exports the whole audit log: every record, and at the end the checkpoint that signs them. Each record is
 * verified before it is yielded. Write each yielded value as one line of JSON: that is the format `ndjson`,
 * which `verifyExport` reads.
 *
 * @param connection the name of the connection
 * @param log its audit log
 *
 * Rejects with `audit_broken` at the first record that does not fit the chain.
 */
export async function* auditExport(connection: string, log: AuditLog): AsyncGenerator<ExportedRecord | ExportEnd> {
  const checkpoint = await log.checkpoint()
  for await (const { record, ...place } of checked(connection, log, checkpoint))
    yield { ...record, chain: exportedPlace(place) }
  yield { checkpoint }
}

const exportedPlace = ({ chain, count, hash, version }: LinkPlace): ExportedPlace =>
  version === 1 ? { count, hash } : { version, number: chain, count, hash }

/**
 * Exports the whole audit log as events of the Open Cybersecurity Schema Framework 1.3.0. They have no chain,
 * but each record is verified before it is yielded.
 *
 * @param connection the name of the connection
 * @param log its audit log
 * @param version the version of this program, for `metadata.product`
 *
 * Rejects with `audit_broken` at the first record that does not fit the chain.
 * Source: https://schema.ocsf.io/1.3.0
 */
export async function* ocsfExport(connection: string, log: AuditLog, version: string): AsyncGenerator<OcsfRecord> {
  for await (const link of checked(connection, log, await log.checkpoint())) yield ocsfRecord(link, version)
}

async function* checked(connection: string, log: AuditLog, checkpoint: Checkpoint): AsyncGenerator<ChainedRecord> {
  const check = await createChainCheck({ connection, checkpoints: [checkpoint] })
  if ('valid' in check) throw broken(check)
  for await (const link of log.records(checkpoint.count)) {
    const fault = await check.next(link)
    if (fault) throw broken(fault)
    yield link
  }
  const verdict = check.finish()
  if (!verdict.valid) throw broken(verdict)
}

const broken = (verdict: ChainVerdict): GuestpassError =>
  new GuestpassError('audit_broken', `The audit log cannot be exported: ${verdict.valid ? '' : verdict.message}`)

/** The result of the verification of an export. */
export type ExportVerdict = ChainVerdict & {
  /**
   * The id of the key that signed the export. A checkpoint that was kept elsewhere proves whose key it is.
   */
  readonly keyId?: string
}

/**
 * Verifies an export in the format `ndjson` line by line, without a store: for an auditor who has only the
 * file.
 *
 * @param lines the lines of the file; empty ones are skipped
 * @param kept checkpoints of the same log that were kept outside the store. Default: none.
 * @returns the first fault with its line, or the number of records and the key that signed them
 */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  kept: readonly Checkpoint[] = [],
): Promise<ExportVerdict> {
  let line = 0
  let check: ChainCheck | undefined
  let connection: string | undefined
  let end: Checkpoint | undefined
  let last = EMPTY_CHAIN
  for await (const text of lines) {
    line += 1
    if (text.trim() === '') continue
    if (end) return brokenChain(last.count + 1, 'malformed', 'There is a line after the checkpoint at its end.', line)
    const found = readExportLine(text)
    if ('fault' in found) return brokenChain(last.count + 1, 'malformed', found.fault, line)
    if ('end' in found) {
      end = found.end
      continue
    }
    const { link } = found
    connection ??= link.record.connection
    if (link.record.connection !== connection)
      return brokenChain(link.count, 'edited', `The record is of connection ${link.record.connection}.`, line)
    const begun: ChainCheck | ChainVerdict = check ?? (await createChainCheck({ connection, checkpoints: kept }))
    if ('valid' in begun) return begun
    check = begun
    const fault = await begun.next({ ...link, line })
    if (fault) return fault
    last = link
  }
  if (!end)
    return brokenChain(last.count + 1, 'truncated', 'It does not end with a checkpoint: its end was cut off.', line)
  if (connection !== undefined && end.connection !== connection)
    return brokenChain(last.count, 'checkpoint', `The checkpoint at its end is of connection ${end.connection}.`, line)
  return { ...(await endVerdict(end, last, check, kept)), keyId: end.keyId }
}

async function endVerdict(
  end: Checkpoint,
  last: { readonly count: number; readonly hash: string },
  check: ChainCheck | undefined,
  kept: readonly Checkpoint[],
): Promise<ChainVerdict> {
  const foreign = kept.find(({ publicKey }) => publicKey !== end.publicKey)
  if (foreign)
    return brokenChain(
      end.count,
      'checkpoint',
      `It is signed with key ${end.keyId}, and the checkpoint kept elsewhere with ${foreign.keyId}.`,
    )
  const records = check ?? (await createChainCheck({ connection: end.connection, checkpoints: kept }))
  const verdict = 'valid' in records ? records : records.finish()
  if (!verdict.valid) return verdict
  const whole = await createChainCheck({ connection: end.connection, checkpoints: [end] })
  if ('valid' in whole) return whole
  if (end.count > last.count)
    return brokenChain(
      last.count + 1,
      'truncated',
      `It ends with record ${last.count}, and its checkpoint knew ${end.count}: its end was cut off.`,
    )
  return end.count === last.count && end.hash === last.hash
    ? { valid: true, count: last.count, hash: last.hash, anchored: end.count }
    : brokenChain(last.count, 'checkpoint', 'The checkpoint at its end is of another chain.')
}
