import type { RateLimitFeedback, PermitAnswer, PermitRequest } from '../domain/bucket.ts'
import type { Credential } from '../domain/credential.ts'
import type { ChainHead, Link } from '../domain/chain.ts'
import type { Event } from '../domain/events/event.ts'
import type { Json } from '../domain/json.ts'
import type { Instant, Millis } from '../domain/time.ts'

export type { ChainHead, RateLimitFeedback, Link, PermitAnswer, PermitRequest }

/** A credential as it stands in the store, and the store's time at the moment of the read. */
export interface FoundCredential<C extends Credential = Credential> {
  readonly now: Instant
  /** Absent when nothing is stored under that id. */
  readonly credential?: C
  /** Counts the writes of the row; 0 when absent. */
  readonly revision: number
}

/**
 * A credential to write, and what must be true of the row for it. `generation`: the generation that it replaces (0 also
 * when the row is absent); `revision`, when given: also the very row that was read. Token sets name only the generation,
 * so that a note of somebody else cannot lose them; notes (intent, back-off) name the revision.
 */
export interface CredentialWrite {
  readonly credential: Credential
  readonly expect: { readonly generation: number; readonly revision?: number }
}

/** What identifies an issued token without holding it (see verify/fingerprint.ts). */
export interface IssuedToken {
  readonly credential: string
  readonly fingerprint: string
  readonly expiresAt: Instant
}

/** A small sealed value, kept by connection, kind and id: a sign-in under way, a webhook endpoint, a duplicate key. */
export interface Document {
  /** Absent when there is none, or it has expired. */
  readonly value?: Json
  /** Names this very write of it: another one has another revision, also after it was removed and made again. 0: absent. */
  readonly revision: number
}

/** A document to write, and the revision that it must have for that. */
export interface DocumentWrite {
  readonly kind: string
  readonly id: string
  /** Absent: it is removed. */
  readonly value?: Json
  /** From then on it counts as absent; never when not given. */
  readonly expiresAt?: Instant
  /** From then on, by the store's time, it is due: `claimDueDocuments` gives it. Never when not given, whatever it was before. */
  readonly dueAt?: Instant
  readonly expect: { readonly revision: number }
}

/** All that one decision writes: stored together or not at all. */
export interface Change {
  readonly connection: string
  readonly writes?: readonly CredentialWrite[]
  readonly documents?: readonly DocumentWrite[]
  readonly events?: readonly Event[]
  /** Tokens to remember until they expire, so that they can be denied later. */
  readonly issued?: readonly IssuedToken[]
  /** Ids of credentials whose remembered tokens are denied from now on. */
  readonly deny?: readonly string[]
}

export interface CredentialPage {
  readonly credentials: readonly Credential[]
  /** Give it back as `after` for the next page; absent on the last one. */
  readonly next?: string
}

export interface LeaseAnswer {
  readonly granted: boolean
  /** Milliseconds until the lease that stands now ends by itself. */
  readonly endsInMs: Millis
  /** The credential that was named in the ask, as it stands; absent where none was named. */
  readonly found?: FoundCredential
}

/** What a keeper asks for. */
export interface DueRequest {
  /** Credentials wanted, 1 to 1000. */
  readonly max: number
  /** Nobody else gets the claimed ones before this ends, unless they are written first. */
  readonly leaseMs: Millis
  /** Only those asked for (touched) within this time. */
  readonly keepForMs: Millis
}

export interface DueAnswer {
  /** The store's time. */
  readonly now: Instant
  /** Due credentials, the longest due first. `dueAt`: since when. */
  readonly claimed: readonly { readonly id: string; readonly dueAt: Instant }[]
  /**
   * Until the next one that is kept falls due or its claim ends; absent when there is none. Only told when fewer than
   * `max` were claimed. It may be told too early, never too late: 0 asks to come again at once.
   */
  readonly nextInMs?: Millis
}

/** Which due documents a worker asks for. */
export interface DueDocumentsRequest {
  readonly kind: string
  /** Documents wanted, 1 to 1000. */
  readonly max: number
  /** The claimed documents are due again when this ends, in milliseconds, unless they are written first. */
  readonly leaseMs: Millis
}

export interface DueDocumentsAnswer {
  /** The store's time. */
  readonly now: Instant
  /** Due documents, the longest due first. `dueAt`: since when. A claim does not change the revision. */
  readonly claimed: readonly { readonly id: string; readonly revision: number; readonly dueAt: Instant }[]
  /** Until the next document falls due or its claim ends; as in `DueAnswer`. */
  readonly nextInMs?: Millis
}

/** An event due for a sink. */
export interface DueMessage {
  readonly event: Event
  /** Deliveries tried before, from 0. */
  readonly attempts: number
}

export type DeliveryOutcome =
  | { readonly event: string; readonly then: 'done' }
  | { readonly event: string; readonly then: 'retry'; readonly inMs: Millis; readonly why: string }
  | { readonly event: string; readonly then: 'dead-letter'; readonly why: string }
  /** Nothing was tried: due again at once, and no attempt is counted. */
  | { readonly event: string; readonly then: 'release' }

/** An event that a sink gave up on after its last attempt. */
export interface DeadLetter {
  readonly event: Event
  readonly attempts: number
  readonly why: string
}

/** Events committed with their change and waiting for each sink, by the sink's name, in the order of their commits. */
export interface Outbox {
  /** The sinks that an event would go to, if it were committed through this very store now. Stores nothing. */
  sinksFor(event: Event): readonly string[]
  /** Takes due events for a sink; nobody else gets them before the lease ends. */
  claim(sink: string, max: number, leaseMs: Millis): Promise<readonly DueMessage[]>
  settle(sink: string, outcomes: readonly DeliveryOutcome[]): Promise<void>
  /** Moves events from the queue of a sink to the queues of other sinks, all in one step. */
  route(sink: string, messages: readonly { readonly event: string; readonly to: readonly string[] }[]): Promise<void>
  /** Queues events of a connection for a sink, due now and with no attempts: dead letters, delivered events, and events
   * that were never routed to it. Answers how many of them the store has. */
  enqueue(connection: string, sink: string, events: readonly string[]): Promise<number>
  /** The dead letters of a sink, in the order of commits; `limit` 1 to 1000. */
  deadLetters(
    sink: string,
    page: { readonly after?: string; readonly limit: number },
  ): Promise<{ readonly messages: readonly DeadLetter[]; readonly next?: string }>
  /** How many events wait for the sink, and how many are dead letters; each counted up to `most`, at least 1, where it is given. */
  counts(sink: string, most?: number): Promise<{ readonly waiting: number; readonly deadLetters: number }>
  /** Empties the queue of a sink. */
  drop(sink: string): Promise<void>
}

/** Names the sinks that get an event. */
export type Route = (event: Event) => readonly string[]

/** Writes what belongs together. Durable: what was acknowledged survives a kill. */
export interface Ledger {
  /** Writes everything of the change, or nothing when any expectation does not hold. */
  commit(change: Change): Promise<'done' | 'conflict'>
  /**
   * Makes sure that one more commit has room, before something is spent whose answer must be stored. Rejects with
   * `store_unavailable` when there is none.
   */
  ensureRoom(): Promise<void>
  /**
   * Since when the store may hold traces of what was erased, as in a log that a reader keeps; undefined when there are none. They are
   * removed by whichever process uses the store next. Absent in a store that leaves none.
   */
  tracesSince?(): Promise<Instant | undefined>
}

/** The credentials of guests, sign-ins and the service. Durable. */
export interface Credentials {
  find(connection: string, id: string): Promise<FoundCredential>
  /** The credential that a subject stands for; undefined when there is none, or it was erased. */
  findBySubject(connection: string, subject: string): Promise<Credential | undefined>
  /** Credentials of a kind, in the order of their ids; `limit` 1 to 1000. */
  list(connection: string, page: { kind: Credential['kind']; after?: string; limit: number }): Promise<CredentialPage>
  /**
   * Says that somebody asked for the credential now: it stays kept. Changes neither revision nor generation. Unknown ids:
   * nothing happens. Made for every use: a store may leave out one that comes within a minute of the last it wrote. The
   * first write of a credential counts as one.
   */
  touch(connection: string, id: string): Promise<void>
  /**
   * Takes guests that are due for renewal: `active`, with tokens, past `renewAt` and past their back-off, touched within
   * `keepForMs`. A claim ends with its lease, or with a commit that changes generation, status or due time; a note that
   * changes none of these, as an intent, leaves it. Like a lease it saves work, and is never what keeps data right.
   */
  claimDue(connection: string, ask: DueRequest): Promise<DueAnswer>
  /** How many guests are due for renewal now, claimed or not, counted up to `most`, at least 1. `keepForMs`: as in `claimDue`. */
  countDue(connection: string, ask: { readonly keepForMs: Millis; readonly most: number }): Promise<number>
}

/** Small sealed values. Durable. */
export interface Documents {
  document(connection: string, kind: string, id: string): Promise<Document>
  /** Documents of a kind in the order of their ids, expired ones left out; `limit` 1 to 1000. */
  documents(
    connection: string,
    page: { readonly kind: string; readonly after?: string; readonly limit: number },
  ): Promise<{
    readonly documents: readonly (Document & { readonly id: string; readonly value: Json })[]
    readonly next?: string
  }>
  /**
   * Takes documents of a kind that are due. A claim ends with its lease, or with a write of the document. It saves work, and is never
   * what keeps data right. A due time that was set by a clock that was ahead puts nothing off.
   */
  claimDueDocuments(connection: string, ask: DueDocumentsRequest): Promise<DueDocumentsAnswer>
  /** How many documents of a kind there are, expired ones left out, counted up to `most`, at least 1. */
  countDocuments(connection: string, ask: { readonly kind: string; readonly most: number }): Promise<number>
}

/** What is known of tokens that were issued, without holding them. Durable. */
export interface IssuedTokens {
  /** True when the token was remembered (`Change.issued`) and has not yet expired, denied or not. */
  issued(connection: string, fingerprint: string): Promise<boolean>
  /** True when the token was issued here and denied, and has not yet expired. */
  denied(connection: string, fingerprint: string): Promise<boolean>
}

/** What saves work and requests, and is never what keeps data right: it may be lost. */
export interface Coordination {
  /**
   * Takes or prolongs a lease by name. `credential`: the id of one to read in the same step, so that the process that is granted the
   * lease knows what it is granted for.
   */
  lease(connection: string, name: string, holder: string, ms: Millis, credential?: string): Promise<LeaseAnswer>
  /** Ends a lease, if the holder still has it. */
  release(connection: string, name: string, holder: string): Promise<void>
  /** Reserves permits in the bucket of a rate-limit key, which all processes on the store share. */
  reservePermits(connection: string, rateLimitKey: string, request: PermitRequest): Promise<PermitAnswer>
  /** Applies what an answer of the upstream said of a rate limit to its bucket. */
  applyFeedback(connection: string, rateLimitKey: string, feedback: RateLimitFeedback): Promise<void>
}

/** Small JSON values remembered for a connection (mirrored keys, clock offset). Nothing secret; may be lost. */
export interface Facts {
  /** Undefined when absent. */
  fact(connection: string, name: string): Promise<unknown>
  setFact(connection: string, name: string, value: unknown): Promise<void>
}

/** What happened, in the order of the audit chain. Durable. */
export interface AuditTrail {
  /** Events of a connection in the order of their commits, from after the cursor; `limit` 1 to 1000. */
  events(
    connection: string,
    page: { after?: number; limit: number },
  ): Promise<{ readonly events: readonly Event[]; readonly next?: number }>
  /** The same events as links of the audit chain, from after the count `after`; `limit` 1 to 1000. The store makes a link with each commit. */
  chain(
    connection: string,
    page: { readonly after?: number; readonly limit: number },
  ): Promise<{ readonly links: readonly Link[]; readonly next?: number }>
  /** Where the chain ends. */
  chainHead(connection: string): Promise<ChainHead>
  /** The names of all connections that the store has credentials, documents or events of, in order. */
  connections(): Promise<readonly string[]>
}

/**
 * Everything that is remembered, by durability and by who needs it: callers take the part they need. One contract, several homes;
 * every one passes the contract kit of `testing`. Any call may reject with a `GuestpassError` of code `store_busy` or
 * `store_unavailable`.
 */
export interface Store extends Ledger, Credentials, Documents, IssuedTokens, Coordination, Facts, AuditTrail {
  readonly outbox: Outbox
  close(): Promise<void>
}
