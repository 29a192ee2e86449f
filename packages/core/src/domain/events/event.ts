import type { AccessTokenEvent } from './access-tokens.ts'
import type { ApiKeyEvent } from './api-keys.ts'
import type { GuestCreateEvent } from './guest-creates.ts'
import type { GuestRecordEvent } from './guest-records.ts'
import type { GuestTokenEvent } from './guest-tokens.ts'
import type { KeyEvent } from './keys.ts'
import type { StoreEvent } from './stores.ts'
import type { RetentionEvent } from './retention.ts'
import type { SignInEvent } from './sign-ins.ts'
import type { WebhookEvent } from './webhooks.ts'

/** Every type of event. docs/audit.md says when each is recorded. */
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
  'STORE_RESTORED',
  'AUDIT_PRUNED',
  'GUEST_REMOVED',
  'API_KEY_CREATED',
  'API_KEY_REVOKED',
] as const

/** A type of event, as `REFRESH_COMPLETED`. */
export type EventType = (typeof eventTypes)[number]

/**
 * A fact that is committed with its change. It holds no secret and no name of a person. Audit log, webhooks
 * and reports are made from events. `type` decides the type of `data`.
 */
export type Event =
  | GuestTokenEvent
  | GuestCreateEvent
  | GuestRecordEvent
  | AccessTokenEvent
  | SignInEvent
  | WebhookEvent
  | KeyEvent
  | StoreEvent
  | RetentionEvent
  | ApiKeyEvent

/** The event of a type. */
export type EventOf<T extends EventType> = Extract<Event, { readonly type: T }>
