// A connection to one upstream organisation
export { connection, type Connection, type ConnectionOptions, type ConnectionPorts } from './connection/connection.ts'
export type { Context } from './domain/context.ts'
export type { RenewalWindows } from './domain/plan.ts'
export type { PolicyOptions } from './policy/standard.ts'
export { type HostInput, type Hosts, resolveHosts } from './upstream/hosts.ts'
export type { OAuthClient } from './upstream/oauth/client.ts'
export type { ExtraParams } from './upstream/oauth/params.ts'

// Guests
export type { Preflight } from './guests/authentication/channel-preflight.ts'
export type { TokenListener, ReadyContext, TokenReady } from './guests/events/listeners.ts'
export type { Guests, RefreshOptions } from './guests/guests.ts'
export { keeper, type Keeper, type KeeperOptions, type KeeperParts } from './guests/keeper.ts'
export type { GuestContext } from './guests/requests/guest-context.ts'
export type { IssuedGuest } from './guests/tokens/issued-guest.ts'
export type { Assurance } from './domain/credential.ts'
export type { OnDoubt, OnDuplicate } from './upstream/applicant-fields.ts'
export {
  type EngagementRequest,
  type ExternalUserRequest,
  type GuestApi,
  guestApis,
  type GuestRequest,
  type GuestTokenRequest,
} from './upstream/guest-apis.ts'
export { durations } from './upstream/guest-tokens/durations.ts'
export { guestScopes } from './upstream/guest-tokens/scopes.ts'

// What is known of guests, and their rights
export type { Erasure, Revocation } from './guests/records/erasure.ts'
export {
  type SessionOwner,
  type GuestRecords,
  guestRecords,
  type Invalidation,
} from './guests/records/guest-records.ts'
export type { GuestView } from './guests/records/guest-view.ts'
export type { PersonExport } from './guests/records/person-export.ts'
export type { PersonErasure } from './guests/records/person-records.ts'
export type { PersonKey } from './guests/requests/applicant-request.ts'

// Access tokens and sign-ins
export type { AccessToken, AccessTokens, TokenSource } from './tokens/access/access-tokens.ts'
export { type ConnectionView, connectionView } from './tokens/access/connection-views.ts'
export type { UnsavedTokens } from './tokens/renewal/commit-until-stored.ts'
export type { DeviceInstructions } from './tokens/sign-in/device-grant.ts'
export type { DeviceSignIn, DeviceSignInRequest } from './tokens/sign-in/device-sign-in.ts'
export type { Grant } from './tokens/sign-in/grant.ts'
export { keepAlive } from './tokens/sign-in/keep-alive.ts'
export type { SignedIn } from './tokens/sign-in/sign-in-outcome.ts'
export type { SignInRequest, StartedSignIn, SignIn } from './tokens/sign-in/sign-in.ts'
export type { SignedOut, SignOut } from './tokens/sign-in/sign-out.ts'

// HTTP clients that carry an access token
export { authorizedAxios } from './tokens/clients/authorized-axios.ts'
export { authorizedFetch, type AuthorizedFetchOptions } from './tokens/clients/authorized-fetch.ts'
export { authorizedGot } from './tokens/clients/authorized-got.ts'
export { authorizedSdk } from './tokens/clients/authorized-sdk.ts'
export { authorizedUndici } from './tokens/clients/authorized-undici.ts'
export type { AuthorizedOptions } from './tokens/clients/bearer-token.ts'

// Verification of tokens
export { verification, type Verification, type VerificationOptions } from './connection/verification.ts'
export { givenKeys } from './verify/given-keys.ts'
export type { Jwk, KeySet, KeySource } from './verify/keys.ts'
export { mirroredKeys } from './verify/mirrored-keys.ts'
export type { Algorithm, Claims, Expectations, Reason, Verdict, Verifier } from './verify/verdict.ts'
export type { VerifierOptions } from './verify/verifier-options.ts'
export { verifier } from './verify/verifier.ts'

// Stores
export type { Store } from './ports/store.ts'
export { memoryStore, type MemoryStoreOptions } from './stores/memory-store.ts'
export { tokenStorage, type TokenStorageOptions } from './stores/token-storage.ts'

// In a page: see also the entry `./web`
export { webStorageStore } from './stores/web-storage-store.ts'
export { webPorts } from './web/ports.ts'

// Webhooks
export { type WebhookEndpoint, webhookRoute } from './webhooks/endpoint.ts'
export { receiverMemory } from './webhooks/receiver-memory.ts'
export type { WebhookMessage } from './webhooks/received-message.ts'
export { type ReceiverOptions, webhookReceiver, type WebhookReceiver } from './webhooks/receiver.ts'
export { signingSecret } from './webhooks/signing-secret.ts'
export { webhooks, type Webhooks } from './webhooks/webhooks.ts'

// Audit and reports
export { auditLog, type AuditLog } from './audit/audit-log.ts'
export type { Checkpoint } from './audit/checkpoint.ts'
export { auditExport, verifyExport } from './audit/export.ts'
export type { AuditRecord } from './domain/audit-record.ts'
export type { Event, EventType } from './domain/events/event.ts'
export { report, type Report } from './report/report.ts'

// Errors and secrets
export { type ErrorCode, type Field, GuestpassError, type Problem, type UpstreamFacts } from './domain/errors.ts'
export { Secret } from './domain/secret.ts'

// Ports
export type { Clock } from './ports/clock.ts'
export type { Random } from './ports/random.ts'
