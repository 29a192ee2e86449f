export {
  type AccessToken,
  type AuditRecord,
  type Claims,
  type Context,
  type EngagementRequest,
  type ErrorCode,
  type EventType,
  type ExternalUserRequest,
  type GuestRequest,
  type GuestView,
  GuestpassError,
  type IssuedGuest,
  type GuestTokenRequest,
  type Reason,
  type Report,
  Secret,
  type SignedIn,
  type TokenReady,
  type Verdict,
} from '@guestpass/core'
export type { Cause, Happened, PlacedRecord } from '@guestpass/core/runtime-kit'
export type { AuditListener, NamedSetting, WebhookOptions, WorkerHealth } from '@guestpass/runtime'
export type { AccessTokenRequest, AccessTokenResult } from './access-token.ts'
export type { Health } from '@guestpass/runtime'
export type { CallContext } from './calls.ts'
export type {
  AddEventListener,
  EventAliases,
  EventListener,
  EventName,
  PascalCase,
  EventTypesByName,
  EventRecord,
} from './events.ts'
export type { GuestExplanation, RecordSubject, WhyOptions } from './explain.ts'
export type { GuestpassGuests, GuestFilter, GuestPage, GuestStatus, RefreshOptions } from './guests.ts'
export { type Guestpass, guestpass } from './guestpass.ts'
export type { AuthorizedClients, ComposableDispatcher } from './http.ts'
export type { Log } from './log.ts'
export type { GuestpassOptions } from './options.ts'
export type { ReportOptions } from './report-options.ts'
export type { DeviceSignInOptions, GuestpassDeviceSignIn, GuestpassSignIn } from './sign-in.ts'
export type { VerifyExpectations } from './verify.ts'
