import type { AuditRecord } from '../domain/audit-record.ts'
import type { LinkPlace } from '../domain/chain.ts'
import { parseStrictObject } from '../domain/strict-json.ts'
import { type Checkpoint, checkpointOf } from './checkpoint.ts'
import type { ChainedRecord } from './verify-chain.ts'

/**
 * A line of an export: a record with its place in the chain, the checkpoint at its beginning or its end, or a
 * sentence why it is none of them.
 */
type ExportLine =
  | { readonly link: ChainedRecord }
  | { readonly base: Checkpoint; readonly signature?: string }
  | { readonly end: Checkpoint }
  | { readonly fault: string }

/** The members of an audit record. The hash of the chain covers their values. */
const RECORD_MEMBERS: { readonly [Name in keyof AuditRecord]: true } = {
  timestamp: true,
  eventId: true,
  eventType: true,
  outcome: true,
  actor: true,
  connection: true,
  subject: true,
  generation: true,
  correlationId: true,
  latencyMs: true,
  statusCode: true,
  idempotencyKey: true,
  error: true,
  data: true,
}

const NEITHER = 'It is neither an audit record with its place in the chain nor a checkpoint.'

/**
 * Reads one line of an export. It accepts only the members that `auditExport` writes, each once, because no
 * hash or signature covers others. The values are checked by the hash later.
 */
export function readExportLine(text: string): ExportLine {
  const value = parseStrictObject(text)
  if (!value) return { fault: isJson(text) ? 'It has a member twice, or it is not a JSON object.' : NEITHER }
  if (hasOddNumber(text)) return { fault: 'It has a number that is not in the format of exports.' }
  if ('chain' in value) return recordLine(value)
  return 'base' in value ? baseLine(value) : endLine(value)
}

/**
 * Reads one line of a file of checkpoints: a checkpoint, or a line of an export.
 *
 * @returns the checkpoint, an empty object for a record of an export, or a sentence why the line is none of
 *   them
 */
export function readCheckpointLine(text: string): { readonly checkpoint?: Checkpoint } | { readonly fault: string } {
  const bare = hasOddNumber(text) ? undefined : checkpointOf(parseStrictObject(text))
  if (bare) return { checkpoint: bare }
  const line = readExportLine(text)
  if ('fault' in line) return line
  if ('base' in line) return { checkpoint: line.base }
  return 'end' in line ? { checkpoint: line.end } : {}
}

function baseLine(value: Readonly<Record<string, unknown>>): ExportLine {
  const { base: written, signature, ...others } = value
  const base = checkpointOf(written)
  if (!base) return { fault: 'Its checkpoint does not have exactly the members of a checkpoint.' }
  const [more] = Object.keys(others)
  if (more !== undefined) return { fault: unknown(more) }
  if (signature === undefined) return { base }
  return typeof signature === 'string' ? { base, signature } : { fault: 'Its signature is not a text.' }
}

function endLine(value: Readonly<Record<string, unknown>>): ExportLine {
  const { checkpoint, ...others } = value
  const end = checkpointOf(checkpoint)
  if (checkpoint === undefined) return { fault: NEITHER }
  if (!end) return { fault: 'Its checkpoint does not have exactly the members of a checkpoint.' }
  const [more] = Object.keys(others)
  return more === undefined ? { end } : { fault: unknown(more) }
}

function recordLine({ chain, ...record }: Readonly<Record<string, unknown>>): ExportLine {
  const more = Object.keys(record).find((name) => !Object.hasOwn(RECORD_MEMBERS, name))
  if (more !== undefined) return { fault: unknown(more) }
  const less = Object.keys(RECORD_MEMBERS).find((name) => !Object.hasOwn(record, name))
  if (less !== undefined) return { fault: `The member ${less} of an audit record is missing.` }
  if (typeof record['connection'] !== 'string') return { fault: NEITHER }
  const place = placeOf(chain)
  if (!place) return { fault: 'Its place in the chain does not have exactly the members of a place.' }
  return { link: { record: record as unknown as AuditRecord, ...place } }
}

const unknown = (name: string): string =>
  `The member ${JSON.stringify(name.slice(0, 40))} is not a member of an export.`

/** A place of version 1 has two members, one of version 2 has four. */
function placeOf(value: unknown): LinkPlace | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { version = 1, number = 0, count, hash } = value as Record<string, unknown>
  const members = Object.keys(value).sort().join()
  if (members !== (version === 2 ? 'count,hash,number,version' : 'count,hash')) return undefined
  const numbers = [number, count].every((one) => Number.isSafeInteger(one))
  if ((version !== 1 && version !== 2) || !numbers || typeof hash !== 'string') return undefined
  return { chain: number as number, count: count as number, hash, version }
}

/**
 * Whether a JSON text has a number in another form than `JSON.stringify` writes, as -0, 1e400 or one with
 * more digits than a double has. Another reader could read another number from it than the one under the
 * hash.
 */
function hasOddNumber(text: string): boolean {
  const bare = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, '""')
  return [...bare.matchAll(/-?\d[\d.eE+-]*/g)].some(([number]) => String(Number(number)) !== number)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
