import type { Event } from './event.ts'
import { iso } from './time.ts'

/** One line of the audit log: what happened, in the words of log pipelines. Every member is always there; absent ones are null. */
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
  readonly data: NonNullable<Event['data']>
}

export const auditRecord = (event: Event): AuditRecord => ({
  timestamp: iso(event.at),
  eventId: event.id,
  eventType: event.type,
  outcome: event.outcome,
  actor: event.actor,
  connection: event.connection,
  subject: event.subject,
  generation: event.generation,
  correlationId: event.correlationId,
  latencyMs: event.latencyMs ?? null,
  statusCode: event.statusCode ?? null,
  idempotencyKey: event.idempotencyKey ?? null,
  error: event.error ?? null,
  data: event.data ?? {},
})
