import { auditRecord, type AuditRecord } from '../domain/audit-record.ts'
import type { EventType } from '../domain/events/event.ts'
import type { Json } from '../domain/json.ts'
import type { Instant } from '../domain/time.ts'
import { chainLinks } from '../ports/chain-links.ts'
import type { AuditTrail } from '../ports/store.ts'

/** A record of a guest with its place in the log. */
export interface PlacedRecord {
  readonly count: number
  readonly at: Instant
  readonly record: AuditRecord
}

/** The records of a guest up to a time, as far as an explanation needs them. */
export interface History {
  /** The record that shows how the latest request or change ended. */
  readonly decisive?: PlacedRecord
  /** The latest start of a request that has no end. */
  readonly open?: PlacedRecord
  /** The latest record by which the guest got its token, up to `decisive`. */
  readonly token?: PlacedRecord
  /** The latest record that a caller caused, and no worker. */
  readonly used?: PlacedRecord
  /** All records up to the time, the oldest first. */
  readonly records: readonly PlacedRecord[]
  /** Whether there are records after the time. */
  readonly hasLater: boolean
}

const starts: ReadonlySet<EventType> = new Set<EventType>(['TOKEN_REQUEST_INITIATED', 'REFRESH_INITIATED'])
const gotToken: ReadonlySet<EventType> = new Set<EventType>([
  'TOKEN_GENERATED_SUCCESS',
  'REFRESH_COMPLETED',
  'TOKEN_ADOPTED',
])
const ends: ReadonlySet<EventType> = new Set<EventType>([
  ...gotToken,
  'TOKEN_FAILED',
  'REFRESH_FAILED',
  'TOKEN_REVOKED',
  'guest.authentication',
  'GUEST_INVALIDATED',
  'GUEST_ERASED',
  'GUEST_ENRICHMENT_FAILED',
])
/** Actors that are no callers. */
const workers: ReadonlySet<string> = new Set(['keeper', 'enrichment', 'webhooks', 'retention'])

/** Reads the records of a subject up to a time, by the index of subjects. */
export async function readHistory(
  store: Pick<AuditTrail, 'chain'>,
  { connection, subject, at }: { readonly connection: string; readonly subject: string; readonly at: Instant },
): Promise<History> {
  const all: PlacedRecord[] = []
  for await (const { event, count } of chainLinks(store, connection, { subject }))
    if (!event.type.startsWith('WEBHOOK_')) all.push({ count, at: event.at, record: auditRecord(event) })
  const records = all.filter((one) => one.at <= at)
  return { ...folded(records), records, hasLater: records.length < all.length }
}

function folded(records: readonly PlacedRecord[]): Omit<History, 'records' | 'hasLater'> {
  const made: { -readonly [Name in keyof History]?: PlacedRecord } = {}
  for (const one of records) {
    const { eventType, outcome, actor } = one.record
    if (starts.has(eventType)) made.open = one
    if (ends.has(eventType)) {
      made.decisive = one
      delete made.open
    }
    if (gotToken.has(eventType) || (eventType === 'guest.authentication' && outcome === 'success')) made.token = one
    if (!workers.has(actor)) made.used = one
  }
  return made
}

/** A member of the data of a record as text; undefined if it is none. */
export function textOf({ record }: PlacedRecord, name: string): string | undefined {
  const value: Json | undefined = record.data[name]
  return typeof value === 'string' ? value : undefined
}
