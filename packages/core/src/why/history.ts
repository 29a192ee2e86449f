import { auditRecord, type AuditRecord } from '../domain/audit-record.ts'
import type { Link } from '../domain/chain.ts'
import type { EventType } from '../domain/events/event.ts'
import type { Json } from '../domain/json.ts'
import { type Instant, SECOND } from '../domain/time.ts'

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
  /** The record of the removal by retention. */
  readonly removed?: PlacedRecord
  /** The records up to the time that were read, the oldest first. */
  readonly records: readonly PlacedRecord[]
  /** Whether there are records after the time. */
  readonly hasLater: boolean
}

const starts: ReadonlySet<EventType> = new Set<EventType>([
  'TOKEN_REQUEST_INITIATED',
  'REFRESH_INITIATED',
  'GUEST_CREATE_INITIATED',
])
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
  'GUEST_ORPHANED',
  'GUEST_INVALIDATED',
  'GUEST_ERASED',
  'GUEST_ENRICHMENT_FAILED',
])
/** Actors that are no callers. */
const workers: ReadonlySet<string> = new Set(['keeper', 'enrichment', 'webhooks', 'retention'])

/** The last record of an access token or a sign-in. Those have a subject of their own, as guests have. */
export const lastOfAccessToken = ({ records }: History): PlacedRecord | undefined =>
  records.findLast(({ record }) => /^(?:ACCESS_TOKEN|SIGN_IN|GRANT)_/.test(record.eventType))

/** Whether the guest got a token by a record. */
export const bringsToken = ({ record: { eventType, outcome } }: PlacedRecord): boolean =>
  gotToken.has(eventType) || (eventType === 'guest.authentication' && outcome === 'success')

/** A link of the chain as a record with its place. */
export const placedRecord = ({ event, count }: Link): PlacedRecord => ({
  count,
  at: event.at,
  record: auditRecord(event),
})

/** Makes the history of records, the oldest first. */
export function historyOf(records: readonly PlacedRecord[], hasLater: boolean): History {
  const made: { -readonly [Name in keyof History]?: PlacedRecord } = {}
  for (const one of records) {
    const { eventType, actor } = one.record
    if (starts.has(eventType)) made.open = one
    if (ends.has(eventType)) {
      made.decisive = one
      delete made.open
    }
    if (bringsToken(one)) made.token = one
    if (eventType === 'GUEST_REMOVED') made.removed = one
    if (!workers.has(actor)) made.used = one
  }
  return { ...made, records, hasLater }
}

/** The end of the token at the time of the history, as far as the records know it. */
export function tokenEnd({ token }: History): Instant | undefined {
  const expiry = token && textOf(token, 'tokenExpiry')
  if (expiry !== undefined) return Date.parse(expiry)
  // Records of earlier versions: the requested lifetime from the time of the record.
  const seconds = token?.record.data['durationSeconds']
  return token && typeof seconds === 'number' ? token.at + seconds * SECOND : undefined
}

/** A record of the same request, or of the same refresh, which several requests may have tried. */
export const isRelated = (one: PlacedRecord, { record }: PlacedRecord): boolean =>
  one.record.correlationId === record.correlationId ||
  (record.idempotencyKey !== null && one.record.idempotencyKey === record.idempotencyKey)

/** A member of the data of a record as text; undefined if it is none. */
export function textOf({ record }: PlacedRecord, name: string): string | undefined {
  const value: Json | undefined = record.data[name]
  return typeof value === 'string' ? value : undefined
}
