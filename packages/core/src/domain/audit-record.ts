import type { Event } from './events/event.ts'
import type { Json } from './json.ts'
import { iso } from './time.ts'

/**
 * One line of the audit log: what happened, in the words of log pipelines. Every member is always there;
 * absent ones are null.
 */
export interface AuditRecord {
  /** ISO 8601 UTC. */
  readonly timestamp: string
  readonly eventId: string
  readonly eventType: Event['type']
  readonly outcome: Event['outcome']
  readonly actor: string
  readonly connection: string
  readonly subject: string
  readonly generation: number
  readonly correlationId: string
  readonly latencyMs: number | null
  readonly statusCode: number | null
  readonly idempotencyKey: string | null
  readonly error: Event['error'] | null
  /** Its members depend on `eventType`. */
  readonly data: Readonly<Record<string, Json>>
}

/**
 * Makes the audit record of an event. Absent members become null. Members that no event has are kept: if they
 * were added to a stored row, the hash of the record then differs from that of its link.
 */
export const auditRecord = ({ at, id, type, ...event }: Event): AuditRecord => {
  const { outcome, actor, connection, subject, generation, correlationId, ...more } = event
  const { latencyMs = null, statusCode = null, idempotencyKey = null, error = null, data = {}, ...foreign } = more
  return {
    timestamp: iso(at),
    eventId: id,
    eventType: type,
    outcome,
    actor,
    connection,
    subject,
    generation,
    correlationId,
    latencyMs,
    statusCode,
    idempotencyKey,
    error,
    data,
    ...foreign,
  }
}
