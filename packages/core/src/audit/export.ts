import type { AuditRecord } from '../domain/audit-record.ts'
import { type ChainHead, type LinkPlace, type LinkVersion, EMPTY_CHAIN } from '../domain/chain.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { PrunedData } from '../domain/events/retention.ts'
import type { AuditLog } from './audit-log.ts'
import { type Checkpoint, type ExportBase, isStartSigned } from './checkpoint.ts'
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
 * Exports the audit log: every record that it has, and at the end the checkpoint that signs them. If records were
 * pruned, the first value is the checkpoint up to which they were. Each record is verified before it is yielded.
 * Write each yielded value as one line of JSON: that is the format `ndjson`,
 * which `verifyExport` reads.
 *
 * @param connection the name of the connection
 * @param log its audit log
 * @param until the checkpoint at which the export ends. Default: a new one at the end of the log.
 *
 * Rejects with `audit_broken` at the first record that does not fit the chain, and with `store_busy` if records
 * were pruned before they were yielded: export again.
 */
export async function* auditExport(
  connection: string,
  log: AuditLog,
  until?: Checkpoint,
): AsyncGenerator<ExportBase | ExportedRecord | ExportEnd> {
  const checkpoint = until ?? (await log.checkpoint())
  for await (const { start, link } of exported(connection, log, checkpoint)) {
    if (start) yield start
    if (link) {
      const { record, ...place } = link
      yield { ...record, chain: exportedPlace(place) }
    }
  }
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
 * Rejects as `auditExport` does.
 * Source: https://schema.ocsf.io/1.3.0
 */
export async function* ocsfExport(connection: string, log: AuditLog, version: string): AsyncGenerator<OcsfRecord> {
  for await (const { link } of exported(connection, log, await log.checkpoint()))
    if (link) yield ocsfRecord(link, version)
}

/** The parts of an export before its end: at first the base if there is one, then each record. */
interface ExportedPart {
  readonly start?: ExportBase
  readonly link?: ChainedRecord
}

/** Begins again if records are pruned before the first one was yielded. */
async function* exported(connection: string, log: AuditLog, end: Checkpoint): AsyncGenerator<ExportedPart> {
  for (;;) {
    const start = await log.exportBase(end)
    let isBegun = false
    try {
      for await (const link of checked(connection, log, end, start?.base)) {
        yield isBegun || !start ? { link } : { start, link }
        isBegun = true
      }
      if (start && !isBegun) yield { start }
      return
    } catch (thrown) {
      const { number = 0 } = (await log.base()) ?? {}
      const isUnchanged = number === (start?.base.number ?? 0)
      if (isUnchanged || !(thrown instanceof GuestpassError && thrown.code === 'audit_broken')) throw thrown
      if (isBegun || number > end.number) throw pruned(thrown)
    }
  }
}

const pruned = (cause: unknown): GuestpassError =>
  new GuestpassError('store_busy', 'Old records were removed while they were exported. Export again.', { cause })

async function* checked(
  connection: string,
  log: AuditLog,
  checkpoint: Checkpoint,
  base: Checkpoint | undefined,
): AsyncGenerator<ChainedRecord> {
  const check = await createChainCheck({ connection, checkpoints: [checkpoint], ...(base ? { base } : {}) })
  if ('valid' in check) throw broken(check)
  let last = base?.count ?? 0
  for await (const link of log.records(checkpoint.count, last)) {
    const fault = await check.next(link)
    if (fault) throw broken(fault)
    // One that is ahead of its place is a fault, which the next one shows.
    if (link.count !== last + 1) continue
    yield link
    last = link.count
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
  const reading: ExportReading = { kept, line: 0, last: EMPTY_CHAIN }
  for await (const text of lines) {
    reading.line += 1
    if (text.trim() === '') continue
    const fault = await readLine(reading, text)
    if (fault) return fault
  }
  const { end, last, line, connection } = reading
  if (!end)
    return brokenChain(last.count + 1, 'truncated', 'It does not end with a checkpoint: its end was cut off.', line)
  if (connection !== undefined && end.connection !== connection)
    return brokenChain(last.count, 'checkpoint', `The checkpoint at its end is of connection ${end.connection}.`, line)
  return { ...(await endVerdict(end, reading)), keyId: end.keyId }
}

/** What is known of an export after the lines so far. */
interface ExportReading {
  readonly kept: readonly Checkpoint[]
  line: number
  last: ChainHead
  connection?: string
  base?: Checkpoint
  /** The signature of the line of the base. */
  signature?: string
  /** Whether a record names the base. */
  isBaseNamed?: boolean
  check?: ChainCheck
  end?: Checkpoint
}

/** Reads one line. Resolves to the fault that it shows; undefined for none. */
async function readLine(reading: ExportReading, text: string): Promise<ChainVerdict | undefined> {
  const { line, last, end } = reading
  if (end) return brokenChain(last.count + 1, 'malformed', 'There is a line after the checkpoint at its end.', line)
  const found = readExportLine(text)
  if ('fault' in found) return brokenChain(last.count + 1, 'malformed', found.fault, line)
  if ('end' in found) {
    reading.end = found.end
    return undefined
  }
  if ('base' in found) return beginAfter(reading, found)
  const { link } = found
  const { connection = link.record.connection } = reading
  reading.connection = connection
  if (link.record.connection !== connection)
    return brokenChain(link.count, 'edited', `The record is of connection ${link.record.connection}.`, line)
  const check = reading.check ?? (await createChainCheck({ connection, checkpoints: reading.kept }))
  if ('valid' in check) return check
  reading.check = check
  reading.last = link
  reading.isBaseNamed ||= namesBase(link.record, reading.base)
  return check.next({ ...link, line })
}

/** Whether a record says that the records up to the base were pruned. */
function namesBase({ eventType, data }: AuditRecord, base: Checkpoint | undefined): boolean {
  const { count, hash, checkpoint } = (data ?? {}) as Partial<PrunedData>
  return eventType === 'AUDIT_PRUNED' && count === base?.count && hash === base?.hash && checkpoint === base?.number
}

/** Begins the check after a base, which only the first line may be. */
async function beginAfter(reading: ExportReading, start: ExportBase): Promise<ChainVerdict | undefined> {
  const { base } = start
  const { line, last, kept, check: begun } = reading
  if (begun || last.count > 0)
    return brokenChain(last.count + 1, 'malformed', 'The checkpoint before the records is not its first line.', line)
  const { connection, chain = 0, count, hash } = base
  const check = await createChainCheck({ connection, checkpoints: kept, base })
  if ('valid' in check) return { ...check, line }
  Object.assign(reading, { connection, ...start, check, last: { chain, count, hash } })
  return undefined
}

/** Any signed checkpoint could be put before the rest of an export, so that the base needs a proof of its own. */
const isStartProven = async (
  { signature, isBaseNamed = false }: ExportReading,
  base: Checkpoint,
  end: Checkpoint,
): Promise<boolean> => (signature === undefined ? isBaseNamed : isStartSigned(base, end, signature))

async function endVerdict(end: Checkpoint, reading: ExportReading): Promise<ChainVerdict> {
  const { base, check, kept, last } = reading
  const foreign = kept.find(({ publicKey }) => publicKey !== end.publicKey)
  if (foreign)
    return brokenChain(
      end.count,
      'checkpoint',
      `It is signed with key ${end.keyId}, and the checkpoint kept elsewhere with ${foreign.keyId}.`,
    )
  if (base && base.publicKey !== end.publicKey)
    return brokenChain(
      base.count,
      'checkpoint',
      `It begins with a checkpoint of key ${base.keyId}, and ends with one of key ${end.keyId}.`,
    )
  const records = check ?? (await createChainCheck({ connection: end.connection, checkpoints: kept }))
  const verdict = 'valid' in records ? records : records.finish()
  if (!verdict.valid) return verdict
  const whole = await createChainCheck({ connection: end.connection, checkpoints: [end], ...(base ? { base } : {}) })
  if ('valid' in whole) return whole
  if (end.count > last.count)
    return brokenChain(
      last.count + 1,
      'truncated',
      `It ends with record ${last.count}, and its checkpoint knew ${end.count}: its end was cut off.`,
    )
  if (base && !(await isStartProven(reading, base, end)))
    return brokenChain(
      1,
      'missing',
      `Its first record is ${base.count + 1}, and nothing in it proves that the records before were pruned: its beginning was cut off.`,
      1,
    )
  const from = base ? { from: base.count + 1 } : {}
  return end.count === last.count && end.hash === last.hash
    ? { valid: true, count: last.count, hash: last.hash, anchored: end.count, ...from }
    : brokenChain(last.count, 'checkpoint', 'The checkpoint at its end is of another chain.')
}
