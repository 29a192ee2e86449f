/** For authors of a store: the types of the store port, and the rules that every store follows. The contract kit is in `./testing`. */
export { auditRecord } from './domain/audit-record.ts'
export {
  type Bucket,
  type RateLimitFeedback,
  type PermitAnswer,
  type PermitRequest,
  rateLimitState,
  type RateLimitState,
  reservePermits,
  applyFeedback,
} from './domain/bucket.ts'
export {
  type ChainHead,
  type Link,
  LINK_VERSION,
  linkParts,
  type LinkPlace,
  linkText,
  type LinkVersion,
  EMPTY_CHAIN,
} from './domain/chain.ts'
export {
  type AccessCredential,
  type BackOff,
  type Credential,
  type CredentialBase,
  type GrantCredential,
  type GuestCredential,
  guestEnd,
  guestIn,
  guestsIn,
  type CredentialWithTokens,
  type GuestWithTokens,
  type Intent,
  type Status,
  type StoredGuestRequest,
  type StoredSignIn,
  type TokenSet,
} from './domain/credential.ts'
export { dueAt, dueSetAt } from './domain/due.ts'
export { backOffMs, type BackOffFigures } from './domain/back-off.ts'
export { asGuestpassError, DISK_FAILING, DISK_FULL, UNREACHABLE } from './domain/errors.ts'
export { canonicalJson, type Json } from './domain/json.ts'
export { profileIn, type Profile, profileSecret } from './domain/profile.ts'
export {
  latestCredible,
  DAY,
  DOCUMENT_TOLERANCE,
  HOUR,
  type Instant,
  type Millis,
  MINUTE,
  SECOND,
} from './domain/time.ts'
export type {
  Change,
  Coordination,
  Credentials,
  DeadLetter,
  Document,
  Documents,
  DocumentWrite,
  DueAnswer,
  DueRequest,
  DueDocumentsAnswer,
  DueDocumentsRequest,
  DueMessage,
  Facts,
  FoundCredential,
  IssuedToken,
  IssuedTokens,
  KindSize,
  LeaseAnswer,
  Ledger,
  Outbox,
  DeliveryOutcome,
  CredentialPage,
  CredentialQuery,
  CredentialRemoval,
  EndedGuest,
  EndedGuestRequest,
  Route,
  Sizes,
  StoredKind,
  StoreSizes,
  AuditTrail,
  CredentialWrite,
} from './ports/store.ts'
export { countdown, stopwatch } from './ports/clock.ts'
export { isWholeAddress } from './domain/web-address.ts'
export { sha256Hex } from './ports/system.ts'
export { type Lease, takeLease } from './stores/lease.ts'
export {
  checkDocumentClaim,
  checkCredentialClaim,
  checkPageLimit,
  checkCountLimit,
  checkOneConnection,
} from './ports/argument-checks.ts'
export { type KeyEvent, keysRotated } from './domain/events/keys.ts'
export type {
  EventContext,
  TypedEvent,
  EventBase,
  EventError,
  EventOutcome,
  EventStamp,
} from './domain/events/event-parts.ts'
