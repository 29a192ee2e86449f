export {
  type Connection,
  connection,
  type ConnectionOptions,
  type ConnectionPorts,
} from './connection/connection.ts'
export { type Bucket, reserved, taught } from './domain/bucket.ts'
export type { Context } from './domain/context.ts'
export {
  type ChainHead,
  type Link,
  LINK_VERSION,
  type LinkPlace,
  linkText,
  type LinkVersion,
  NO_LINKS,
} from './domain/chain.ts'
export type { BackOff, Credential, Intent, Request, Standing, TokenSet } from './domain/credential.ts'
export { dueAt, dueSetAt } from './domain/due.ts'
export { type Event, type EventType, eventTypes } from './domain/event.ts'
export { canonicalJson, type Json } from './domain/json.ts'
export { strictObjectText } from './domain/strict-json.ts'
export { defaultWindows, type Windows } from './domain/plan.ts'
export { nearest } from './domain/nearest.ts'
export { openProfile, type Profile, sealedProfile } from './domain/profile.ts'
export { Secret } from './domain/secret.ts'
export {
  ahead,
  DAY,
  DOCUMENT_TOLERANCE,
  HOUR,
  type Instant,
  iso,
  type Millis,
  MINUTE,
  SECOND,
} from './domain/time.ts'
export {
  asGuestpassError,
  catalogue,
  DISK_FAILING,
  DISK_FULL,
  type ErrorCode,
  type ErrorFacts,
  type Field,
  GuestpassError,
  type Problem,
  type UpstreamFacts,
} from './domain/errors.ts'
export { lackedScopes } from './domain/scopes.ts'
export { type GuestApi, guestApis, guestIdOf } from './domain/guest-id.ts'
export type { GuestRequest, Guests, RefreshOptions } from './guests/guests.ts'
export type { IssuedGuest } from './guests/tokens/issued-guest.ts'
export { type Keeper, keeper, type KeeperOptions, type KeeperParts } from './guests/keeper.ts'
export type { Listener, ReadyContext, TokenReady } from './guests/events/listeners.ts'
export type { Preflight } from './guests/authentication/channel-preflight.ts'
export type { ComplianceFlags } from './guests/authentication/compliance.ts'
export {
  type Assurance,
  type EngagementRequest,
  type ExternalUserRequest,
  type OnDoubt,
  type OnDuplicate,
  type PersonKey,
  reservedAttributes,
} from './guests/requests/applicant-request.ts'
export type { Erasure, Revocation } from './guests/records/erasure.ts'
export type { GuestView } from './guests/records/guest-view.ts'
export type { ExportedGuest, OpenCreate, PersonExport } from './guests/records/person-export.ts'
export type { ErasedGuest, PersonErasure } from './guests/records/person-records.ts'
export {
  type DuplicateKey,
  type GuestRecords,
  guestRecords,
  type Invalidation,
} from './guests/records/guest-records.ts'
export type { GuestContext } from './guests/requests/guest-context.ts'
export { durations, guestScopes, type IssueRequest } from './guests/requests/guest-token-request.ts'
export { type Relay, relay, type RelayOptions } from './outbox/relay.ts'
export type { StandardOptions } from './policy/standard.ts'
export { type Clock, stopwatch } from './ports/clock.ts'
export { type Http, type HttpAnswer, HttpFault, type HttpRequest, MAX_ANSWER_BYTES } from './ports/http.ts'
export type { Meter } from './ports/meter.ts'
export type { Random } from './ports/random.ts'
export type * from './ports/store.ts'
export { repeated, type RepeatOptions, type StoredWorker, type Worker, type WorkerObserver } from './ports/worker.ts'
export { type Fetch, sha256Hex, systemClock, systemFetch, systemRandom } from './ports/system.ts'
export { type Meters, meters } from './report/meters.ts'
export { eventsOf, type JobReport, type Report, report, type SignInReport } from './report/report.ts'
export { type AuditRecord, auditRecord } from './domain/audit-record.ts'
export { jsonLines } from './sinks/json-lines.ts'
export type { Sink } from './sinks/sink.ts'
export { type Lease, leased } from './stores/lease.ts'
export { type MemoryStoreOptions, memoryStore } from './stores/memory.ts'
export { tokenStorage, type TokenStorageOptions } from './stores/token-storage.ts'
export type { WebStorage } from './stores/web-storage.ts'
export { webStorageStore, type WebStorageStoreOptions } from './stores/web-storage-store.ts'
export { refuseBadClaim, refuseBadDueAsk, refuseBadLimit, refuseBadMost, refuseForeign } from './stores/terms.ts'
export type { CrmProfile } from './upstream/crm/wire.ts'
export type { Enrichment } from './guests/enrichment/enrichment.ts'
export type { HandedOn } from './upstream/handed-on.ts'
export type { AccessToken, AccessTokens, TokenSource } from './tokens/access/access-tokens.ts'
export {
  type AnyFetch,
  authorizedFetch,
  type AuthorizedFetchOptions,
  type FetchLike,
} from './tokens/clients/authorized-fetch.ts'
export { authorizedAxios, type AxiosLike } from './tokens/clients/authorized-axios.ts'
export type { AuthorizedOptions } from './tokens/clients/token-use.ts'
export { authorizedGot, type GotHooks } from './tokens/clients/authorized-got.ts'
export { type AnyDispatch, authorizedUndici } from './tokens/clients/authorized-undici.ts'
export { authorizedSdk, type SdkClient } from './tokens/clients/authorized-sdk.ts'
export { type ConnectionView, connectionView, connectionViews } from './tokens/access/connections.ts'
export type { DeviceInstructions, DeviceSignIn } from './tokens/sign-in/device-sign-in.ts'
export type { Grant } from './tokens/sign-in/grant.ts'
export { keepAlive } from './tokens/sign-in/keep-alive.ts'
export type { Resource } from './tokens/access/rejections.ts'
export type { BeginSignIn, BegunSignIn, SignIn } from './tokens/sign-in/sign-in.ts'
export type { SignInReason } from './tokens/sign-in/pending-sign-ins.ts'
export type { SignedIn } from './tokens/sign-in/sign-in-outcome.ts'
export type { Unsaved } from './tokens/renewal/keep-trying.ts'
export type { SignedOut, SignOut } from './tokens/sign-in/sign-out.ts'
export { abortable, untilAborted } from './ports/abortable.ts'
export {
  type Endpoints as OAuthEndpoints,
  type HostInput,
  type HostNames,
  type Hosts,
  resolveHosts,
} from './upstream/hosts.ts'
export type { Client, ClientMethod } from './upstream/oauth/client.ts'
export { type Params, reservedParams } from './upstream/oauth/params.ts'
export { isLoopback } from './domain/loopback.ts'
export { scopesOf as scopesOfClaims } from './verify/claims.ts'
export { fingerprint } from './verify/fingerprint.ts'
export { givenKeys } from './verify/given-keys.ts'
export { leftOutText } from './verify/key-list.ts'
export { pemKeys } from './verify/pem.ts'
export type { Jwk, KeyMaker, KeySet, KeySource, LeftOutKey, VerifyKey } from './verify/keys.ts'
export { mirroredKeys } from './verify/mirrored-keys.ts'
export type { Platform } from './verify/platform.ts'
export {
  type Algorithm,
  ALGORITHMS,
  type Claims,
  type Expectations,
  verdictText,
  type Reason,
  type Verdict,
  type Verifier,
} from './verify/verdict.ts'
export { type KeyPlaces, keyPlaces } from './connection/key-places.ts'
export { type OAuthServer, oauthServer } from './connection/oauth-server.ts'
export {
  type KeySetPlace,
  type Verification,
  verification,
  type VerificationOptions,
} from './connection/verification.ts'
export type { VerifierOptions } from './verify/verifier-options.ts'
export { verifier } from './verify/verifier.ts'
export { webPlatform } from './verify/web-crypto.ts'
export { type Contract, type Endpoint, webhookEvents, webhookRoute } from './webhooks/endpoint.ts'
export type { ConfiguredEndpoint, EndpointRequest, Endpoints } from './webhooks/endpoints.ts'
export type { Attempt as WebhookAttempt, AttemptPorts as WebhookNetwork } from './webhooks/attempt.ts'
export { signedHeaders } from './webhooks/signature.ts'
export { signingSecret, signingSecretFault } from './webhooks/signing-secret.ts'
export type { RawBody } from './webhooks/raw-body.ts'
export type { ReceivedHeaders } from './webhooks/received-headers.ts'
export { receiverMemory, type ReceiverMemory } from './webhooks/receiver-memory.ts'
export { type Received, type ReceiverOptions, type WebhookReceiver, webhookReceiver } from './webhooks/receiver.ts'
export { type Webhooks, webhooks, type WebhooksParts } from './webhooks/webhooks.ts'
export { CONNECTION_NAME, isConnectionName } from './domain/connection-name.ts'
export { type AuditLog, auditLog } from './audit/audit-log.ts'
export { type Checkpoint, checkpointOf } from './audit/checkpoint.ts'
export { readCheckpointLine } from './audit/export-line.ts'
export {
  auditExport,
  type ExportEnd,
  type ExportedRecord,
  type ExportVerdict,
  ocsfExport,
  verifyExport,
} from './audit/export.ts'
export type { OcsfRecord } from './audit/ocsf.ts'
export {
  type ChainedRecord,
  type ChainFault,
  type ExpectedChain,
  type ChainReason,
  type ChainVerdict,
  verifyChain,
} from './audit/verify-chain.ts'
/** Kinds of options, by which a program checks what its own callers give. */
export * as options from './options.ts'
export { webHttp } from './web/http.ts'
export { type WebPorts, webPorts } from './web/ports.ts'
