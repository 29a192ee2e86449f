import type { Context } from './context.ts'
import type { ErrorCode, GuestpassError } from './errors.ts'
import type { Json } from './json.ts'
import { type Instant, type Millis, tenth } from './time.ts'

/** Every type of event there is. */
export const eventTypes = [
  'TOKEN_REQUEST_INITIATED',
  'TOKEN_GENERATED_SUCCESS',
  'TOKEN_FAILED',
  'TOKEN_REVOKED',
  'TOKEN_ADOPTED',
  'REFRESH_INITIATED',
  'REFRESH_COMPLETED',
  'REFRESH_FAILED',
  'ACCESS_TOKEN_INITIATED',
  'ACCESS_TOKEN_RENEWED',
  'ACCESS_TOKEN_FAILED',
  'SIGN_IN_STARTED',
  'SIGN_IN_COMPLETED',
  'SIGN_IN_FAILED',
  'GRANT_IN_DOUBT',
  'GRANT_LAST_RESORT',
  'GRANT_ENDED',
  'GRANT_REVOKED',
  'guest.authentication',
  'GUEST_CREATE_INITIATED',
  'GUEST_CREATE_IN_DOUBT',
  'GUEST_CREATE_FAILED',
  'GUEST_ORPHANED',
  'GUEST_ENRICHED',
  'GUEST_ENRICHMENT_FAILED',
  'GUEST_INVALIDATED',
  'GUEST_ERASED',
  'WEBHOOK_SYNCED',
  'WEBHOOK_FAILED',
  'WEBHOOK_PARKED',
  'WEBHOOK_DISABLED',
  'WEBHOOK_TEST',
  'KEYS_ROTATED',
] as const

export type EventType = (typeof eventTypes)[number]

/** The grant of a sign-in, as events of access tokens name it in `data.grant` (RFC 6749, 6). */
export const REFRESH_GRANT = 'refresh_token'

/** What happened, without any secret and without anything that names a person. Audit, webhooks and reports are made from these. */
export interface Event {
  /** A UUID; the same for every delivery of the event. */
  readonly id: string
  readonly type: EventType
  readonly outcome: 'pending' | 'success' | 'failure'
  readonly at: Instant
  /** Who asked: `cli`, `library`, an API key's id. */
  readonly actor: string
  readonly connection: string
  /** The random id that stands for the guest or the access token. */
  readonly subject: string
  /** The generation that the event made or concerns; receivers drop what is older. */
  readonly generation: number
  /** Joins the events of one request. */
  readonly correlationId: string
  readonly latencyMs?: Millis
  /** HTTP status of the upstream answer. */
  readonly statusCode?: number
  readonly idempotencyKey?: string
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly reason?: string }
  readonly data?: Readonly<Record<string, Json>>
}

/** What an event is about: the part that all events of one request share. */
export type About = Pick<Event, 'actor' | 'connection' | 'subject' | 'correlationId'>

/** What the events of one call share: who asks and for which request is what the caller says, or `library` and a new id. */
export const aboutOf = (
  { connection, subject }: Pick<About, 'connection' | 'subject'>,
  { actor = 'library', correlationId }: Pick<Context, 'actor' | 'correlationId'>,
  random: { uuid(): string },
): About => ({ actor, connection, subject, correlationId: correlationId ?? random.uuid() })

/** Writes an event down; `error` is told by its code, message and reason. */
export function event(
  about: About,
  id: string,
  at: Instant,
  happened: Pick<Event, 'type' | 'outcome' | 'generation' | 'latencyMs' | 'data' | 'idempotencyKey'> & {
    readonly statusCode?: number | undefined
    readonly error?: GuestpassError
  },
): Event {
  const { error, latencyMs, statusCode = error?.upstream?.status, ...facts } = happened
  return {
    id,
    at,
    ...about,
    ...facts,
    ...(latencyMs === undefined ? {} : { latencyMs: tenth(latencyMs) }),
    ...(statusCode === undefined ? {} : { statusCode }),
    ...(error
      ? {
          error: {
            code: error.code,
            message: error.message,
            ...(error.reason === undefined ? {} : { reason: error.reason }),
          },
        }
      : {}),
  }
}
