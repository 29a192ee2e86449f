import type { Event } from './events/event.ts'
import type { Json } from './json.ts'
import { iso } from './time.ts'

/**
 * One record of the audit log: an event, with the member names that log tools expect. Every record has every
 * member; one without a value is null.
 */
export interface AuditRecord {
  /** When it happened, as ISO 8601 in UTC. */
  readonly timestamp: string
  /** A UUID; the same for every delivery of the event. */
  readonly eventId: string
  /** The type of the event: see `EventType`. */
  readonly eventType: Event['type']
  /** `success`, `failure`, or `pending`: it has started, or its end is not known. */
  readonly outcome: Event['outcome']
  /** Who called: `cli`, `library`, the id of an API key, or a worker. */
  readonly actor: string
  /** The name of the connection. */
  readonly connection: string
  /** A random id that represents the guest or the access token: see `GuestView.subject`. */
  readonly subject: string
  /** The number of the token that the event made or is about. */
  readonly generation: number
  /** The id that the events of one request have in common. */
  readonly correlationId: string
  /** How long the request took, in milliseconds with one decimal. */
  readonly latencyMs: number | null
  /** The HTTP status of the upstream's answer. */
  readonly statusCode: number | null
  /** The `Idempotency-Key` of the request to the upstream. */
  readonly idempotencyKey: string | null
  /** Code, message and reason of a failure. It contains no secret and no name of a person. */
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
