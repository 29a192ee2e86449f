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
  type IssueRequest,
  type Reason,
  type Report,
  Secret,
  type SignedIn,
  type TokenReady,
  type Verdict,
} from '@guestpass/core'
export type { AuditListener, WebhookOptions, WorkerHealth } from '@guestpass/runtime'
export type { AccessTokenRequest, AccessTokenResult } from './access-token.ts'
export type { Health } from './background.ts'
export type { CallContext } from './calls.ts'
export type {
  AddEventListener,
  EventAliases,
  EventListener,
  EventName,
  PascalCase,
  EventNames,
  EventRecord,
} from './events.ts'
export type { FrontDoorGuests, GuestFilter, GuestPage, GuestStatus, RefreshOptions } from './guests.ts'
export { type Guestpass, guestpass } from './guestpass.ts'
export type { AuthorizedClients, Composable } from './http.ts'
export type { Log } from './log.ts'
export type { GuestpassOptions } from './options.ts'
export type { ReportOptions } from './report-options.ts'
export type { DeviceSignInOptions, FrontDoorDeviceSignIn, FrontDoorSignIn } from './sign-in.ts'
export type { VerifyExpectations } from './verify.ts'
