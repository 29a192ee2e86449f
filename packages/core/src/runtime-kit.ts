/** For authors of a program around connections, as the command and the service: workers, ports, formats, parts of the configuration. */
export { checkpointOf, type ExportBase } from './audit/checkpoint.ts'
export { readCheckpointLine } from './audit/export-line.ts'
export { prunableCheckpoint, type PruneParts, pruneTo } from './audit/prune-chain.ts'
export {
  type ExportedPlace,
  type ExportedRecord,
  type ExportEnd,
  type ExportVerdict,
  ocsfExport,
} from './audit/export.ts'
export type { OcsfRecord } from './audit/ocsf.ts'
export {
  type ChainedRecord,
  type ChainFault,
  type ChainReason,
  type ChainVerdict,
  type ExpectedChain,
  verifyChain,
} from './audit/verify-chain.ts'
export type { AccessOptions } from './connection/access.ts'
export type { AuthenticatedGuestOptions } from './connection/guest-apis.ts'
export { type KeyPlaces, keyPlaces } from './connection/key-places.ts'
export { type OAuthServer, oauthServer, type OAuthServerPorts } from './connection/oauth-server.ts'
export { RETENTION_CATCH_UP, retentionCatchUp } from './retention/retention-time.ts'
export { type Retention, retention, type RetentionOptions, type RetentionResult } from './retention/retention.ts'
export type { KeySetPlace, VerificationPorts } from './connection/verification.ts'
export { backOffMs, type BackOffFigures, withSpread } from './domain/back-off.ts'
export { prepareRestoredConnection } from './connection/restored-store.ts'
export type { RestoreData, StoreEvent } from './domain/events/stores.ts'
export { type ApiKeyData, type ApiKeyEvent, apiKeyCreated, apiKeyRevoked } from './domain/events/api-keys.ts'
export { CONNECTION_NAME_RULE, isConnectionName } from './domain/connection-name.ts'
export { type CurrentStatus, currentStatus, currentStatuses } from './domain/current-status.ts'
export { documentKind } from './domain/document-kinds.ts'
export { errorCatalogue, type ErrorFacts } from './domain/errors.ts'
export { eventTypes } from './domain/events/event.ts'
export type {
  AccessFailedData,
  AccessTokenEvent,
  ClientTokenData,
  GrantData,
  RefreshedTokenData,
} from './domain/events/access-tokens.ts'
export type {
  ApplicantData,
  AuthenticationData,
  AuthenticationResult,
  ComplianceFlags,
  CreateData,
  CrmOutcome,
  GuestCreateEvent,
} from './domain/events/guest-creates.ts'
export type { CrmFailedData, EnrichedData, GuestRecordEvent } from './domain/events/guest-records.ts'
export type {
  GuestData,
  GuestTokenEvent,
  ImportedTokenData,
  RefreshData,
  RevokedData,
  TokenData,
  TokenRequestData,
  TokenTrigger,
} from './domain/events/guest-tokens.ts'
export type { PrunedData, RemovedData, RetentionEvent } from './domain/events/retention.ts'
export type { SignInData, SignInEvent, SignInFailed, SignInStartedData } from './domain/events/sign-ins.ts'
export type { DeliveryData, WebhookEvent, WebhookTestData } from './domain/events/webhooks.ts'
export { type FailedTry, type TriesData, triesText } from './domain/events/tries.ts'
export { reservedAttributes } from './domain/guest-attributes.ts'
export { createPermitSource, type PermitSource, type PermitStore } from './policy/permit-source.ts'
export { guestIdOf } from './domain/guest-id.ts'
export { equalInConstantTime } from './domain/constant-time.ts'
export { isLoopback } from './domain/loopback.ts'
export { domains as regionDomains } from './upstream/regions.ts'
export { closestName } from './domain/closest-name.ts'
export { defaultWindows, hasEnded } from './domain/plan.ts'
export { lackedScopes } from './domain/scopes.ts'
export { parseStrictObject } from './domain/strict-json.ts'
export { iso } from './domain/time.ts'
export type { CrmLookup } from './guests/enrichment/crm-lookup.ts'
export type { Enrichment } from './guests/enrichment/enrichment.ts'
export type { GuestListOptions } from './guests/records/guest-list.ts'
export type { ExportedGuest, OpenCreate } from './guests/records/person-export.ts'
export { answerPrefix } from './guests/records/stored-answers.ts'
export { issuedAuthenticatedGuest as issuedGuestOf } from './guests/tokens/issued-guest.ts'
export type { ErasedGuest } from './guests/records/person-records.ts'
export { type Relay, relay, type RelayOptions } from './outbox/relay.ts'
export type { BreakerOptions } from './policy/breaker.ts'
export { defaultBurst, type LimitOptions } from './policy/limit.ts'
export type { RetryOptions } from './policy/retry.ts'
export type { BudgetOptions, RetryBudget } from './policy/retry-budget.ts'
export { errorTime, withClock } from './ports/error-clock.ts'
export { abortable, untilAborted } from './ports/abortable.ts'
export { chainLinks, chainLinksBackwards, newestLinks } from './ports/chain-links.ts'
export { stopwatch } from './ports/clock.ts'
export { type Http, type HttpAnswer, HttpFault, type HttpRequest, MAX_ANSWER_BYTES } from './ports/http.ts'
export type { Meter } from './ports/meter.ts'
export { pagesOf } from './ports/pages.ts'
export { type Fetch, systemClock, systemFetch, systemRandom } from './ports/system.ts'
export {
  repeatUntilAborted,
  type RepeatOptions,
  type StoredWorker,
  type Worker,
  type WorkerObserver,
} from './ports/worker.ts'
export { withCalls } from './ports/with-calls.ts'
export { type Meters, createMeters } from './report/meters.ts'
export type { Histogram } from './report/histogram.ts'
export { eventsOf, type JobReport, type ReportOptions, type SignInReport } from './report/report.ts'
export { type RollUps, rollUps } from './report/roll-ups.ts'
export { jsonLines } from './sinks/json-lines.ts'
export type { Sink } from './sinks/sink.ts'
export { connectionViews } from './tokens/access/connection-views.ts'
export type { Resource } from './tokens/access/rejections.ts'
export type { AxiosInterceptors, AxiosLike } from './tokens/clients/authorized-axios.ts'
export type { AnyFetch, FetchLike } from './tokens/clients/authorized-fetch.ts'
export type { GotHooks, GotOptions, GotResponse } from './tokens/clients/authorized-got.ts'
export type { SdkClient } from './tokens/clients/authorized-sdk.ts'
export type { AnyDispatch } from './tokens/clients/authorized-undici.ts'
export type { SignInReason } from './tokens/sign-in/refused-sign-in.ts'
export type { CrmProfile } from './upstream/crm/wire.ts'
export {
  type ApiOf,
  type AuthenticatingApiName,
  authenticatingApis,
  type AuthenticatingGuestApi,
  type RegisteredApi,
  registeredApis,
} from './upstream/guest-apis.ts'
export type { TokenFormat } from './upstream/guest-api.ts'
export type { RequestOf } from './upstream/authenticating.ts'
export type { FieldSchemas, InputOf, RequestField, RequestFields } from './upstream/request-field.ts'
export type { PublicMembers } from './upstream/public-members.ts'
export type { OAuthEndpoints, HostNames, HostPlace } from './upstream/hosts.ts'
export type { ClientAuthMethod } from './upstream/oauth/client.ts'
export type { ExpectedIssuer } from './upstream/oauth/expected-issuer.ts'
export { reservedParams } from './upstream/oauth/params.ts'
export type { AuthorizationServer } from './upstream/oauth/server.ts'
export type { ServerMetadata } from './upstream/oauth/server-metadata.ts'
export { scopesOfClaims } from './verify/claims.ts'
export { fingerprint } from './verify/fingerprint.ts'
export type { IssuerClock } from './verify/issuer-clock.ts'
export type { GivenKeys } from './verify/given-keys.ts'
export { leftOutText } from './verify/key-list.ts'
export type { UsableJwk } from './verify/key-rules.ts'
export type { KeyMaker, LeftOutKey, VerifyKey } from './verify/keys.ts'
export type { MirrorOptions } from './mirror/options.ts'
export type { MirroredKeys, MirroredKeysOptions } from './verify/mirrored-keys.ts'
export { pemKeys } from './verify/pem.ts'
export type { Platform } from './verify/platform.ts'
export { ALGORITHMS, verdictText } from './verify/verdict.ts'
export { defaultLeeway } from './verify/verifier-options.ts'
export type { WebhookAttempt, WebhookNetwork } from './webhooks/attempt.ts'
export { type WebhookContract, webhookEvents } from './webhooks/endpoint.ts'
export type { EndpointRequest } from './webhooks/endpoint-request.ts'
export type { ConfiguredEndpoint, Endpoints } from './webhooks/endpoints.ts'
export type { RawBody } from './webhooks/raw-body.ts'
export type { ReceivedHeaders } from './webhooks/received-headers.ts'
export type { ReceiverMemory, SeenCheckpoint } from './webhooks/receiver-memory.ts'
export { signedHeaders } from './webhooks/signature.ts'
export { signingSecretFault } from './webhooks/signing-secret.ts'
export type { WitnessFault, WitnessReason, WitnessVerdict } from './webhooks/witness-verdict.ts'
export type { WebhooksPorts } from './webhooks/endpoint-sink.ts'
export type { WebhooksParts } from './webhooks/webhooks.ts'
export type { CauseText, Happened } from './why/causes/cause-text.ts'
export { type Cause, causes } from './why/causes/causes.ts'
export type { PlacedRecord } from './why/history.ts'
export { type Explanation, why, type WhyQuestion } from './why/why.ts'
