import type { RateLimitFeedback, RateLimitState, PermitAnswer, PermitRequest } from '../domain/bucket.ts'
import type { Credential, GuestCredential } from '../domain/credential.ts'
import type { ChainHead, Link } from '../domain/chain.ts'
import type { Event } from '../domain/events/event.ts'
import type { Json } from '../domain/json.ts'
import type { Instant, Millis } from '../domain/time.ts'

export type { ChainHead, RateLimitFeedback, RateLimitState, Link, PermitAnswer, PermitRequest }

/** A stored credential, and the store's time when it was read. */
export interface FoundCredential<C extends Credential = Credential> {
  readonly now: Instant
  /** Absent if nothing is stored under the id. */
  readonly credential?: C
  /** Counts the writes of the row; 0 when absent. */
  readonly revision: number
  /** The latest use that `touch` recorded, or the first write. Absent if nothing is stored under the id. */
  readonly usedAt?: Instant
}

/**
 * A credential to write, and the condition that its row must meet. `generation`: the generation that it
 * replaces, 0 for an absent row. `revision`: if given, the row must be the one that was read. Tokens name the
 * generation alone, so that an intent of another process cannot lose them; intents and back-offs name the
 * revision.
 */
export interface CredentialWrite {
  readonly credential: Credential
  readonly expect: { readonly generation: number; readonly revision?: number }
}

/** A credential to remove with all that the store keeps for it, and the condition that its row must meet. */
export interface CredentialRemoval {
  readonly id: string
  readonly expect: { readonly generation: number; readonly revision?: number }
}

/** A record of an issued token, which holds its fingerprint in place of the token. */
export interface IssuedToken {
  /** The id of the credential that the token was issued for. */
  readonly credential: string
  /** The fingerprint of the token, as the function `fingerprint` gives it. */
  readonly fingerprint: string
  /** When the record may be removed: the expiry of the token. */
  readonly expiresAt: Instant
}

/** A small sealed value by connection, kind and id, as a pending sign-in or a webhook endpoint. */
export interface Document {
  /** Absent if there is none, or it has expired. */
  readonly value?: Json
  /** Identifies this write: every other write has another revision, also after a removal. 0: absent. */
  readonly revision: number
}

/** A document to write, and the revision that it must have. */
export interface DocumentWrite {
  readonly kind: string
  readonly id: string
  /** Absent: the document is removed. */
  readonly value?: Json
  /** From then on the document counts as absent. Default: never. */
  readonly expiresAt?: Instant
  /**
   * From then on, by the store's time, `claimDueDocuments` claims it. Default: never, whatever it was before.
   */
  readonly dueAt?: Instant
  /** The revision that the document must have; 0 if it must be absent. Otherwise the commit is a `conflict`. */
  readonly expect: { readonly revision: number }
}

/** All writes of one decision. They are stored together or not at all. */
export interface Change {
  /** The name of the connection of every part of the change. */
  readonly connection: string
  /** Credentials to write. Default: none, as for all other members. */
  readonly writes?: readonly CredentialWrite[]
  /** Credentials to remove, with the keys of their profiles. A later write of the same id makes a new row. */
  readonly removals?: readonly CredentialRemoval[]
  /** Documents to write or remove. */
  readonly documents?: readonly DocumentWrite[]
  /** Events to append to the audit chain, and to queue for the sinks that the route names. */
  readonly events?: readonly Event[]
  /** Tokens to record until they expire, so that they can be denied later. */
  readonly issued?: readonly IssuedToken[]
  /** Ids of credentials whose recorded tokens are denied from now on. */
  readonly deny?: readonly string[]
  /**
   * The change survives a kill of this process, but need not survive a failure of the machine until the next change is
   * durable. Only of a change that has nothing but events. Default false.
   */
  readonly mayBeLost?: boolean
}

/** The credentials that `list` gives. */
export interface CredentialQuery {
  readonly kind: Credential['kind']
  /** Only the guests with this `person`, a digest that is not empty. Default: any. */
  readonly person?: string
  /**
   * Only guests whose `person` does not fit their profile: one of the two is absent. Earlier versions wrote them.
   * Never together with `person`. Default: any.
   */
  readonly unindexed?: true
  /** Starts after this id. */
  readonly after?: string
  /** 1 to 1000. */
  readonly limit: number
}

/** A page of credentials, in the order of their ids. */
export interface CredentialPage {
  readonly credentials: readonly Credential[]
  /** The cursor of the next page, to be given as `after`. Absent on the last page. */
  readonly next?: string
}

/** A guest whose last token has expired. */
export interface EndedGuest {
  readonly credential: GuestCredential
  readonly revision: number
  /** When the last token expired: `guestEnd`. */
  readonly endedAt: Instant
}

/** What `endedGuests` is asked for. */
export interface EndedGuestRequest {
  /** Only guests whose last token expired before this time. */
  readonly before: Instant
  /** Starts after this guest: the last one of the page before. */
  readonly after?: { readonly endedAt: Instant; readonly id: string }
  /** The most guests of a page, 1 to 1000. */
  readonly limit: number
}

/** The answer to a request for a lease. */
export interface LeaseAnswer {
  /** False if another holder has the lease. */
  readonly granted: boolean
  /** Milliseconds until the lease ends by itself: the granted one, else that of the other holder. */
  readonly endsInMs: Millis
  /** The credential that the request named. Absent if it named none. */
  readonly found?: FoundCredential
}

/** What `claimDue` is asked for. */
export interface DueRequest {
  /** The most guests to claim, 1 to 1000. */
  readonly max: number
  /** No other process gets the claimed ones before this ends, unless they are written. Milliseconds. */
  readonly leaseMs: Millis
  /** Only guests that were touched within this time. Milliseconds. */
  readonly keepForMs: Millis
}

/** The answer of `claimDue`: the claimed guests, and when to ask again. */
export interface DueAnswer {
  /** The store's time. */
  readonly now: Instant
  /** Due guests, the longest due first. `dueAt`: since when. */
  readonly claimed: readonly { readonly id: string; readonly dueAt: Instant }[]
  /**
   * Milliseconds until the next guest that was touched within `keepForMs` is due, or its claim ends. Absent if
   * there is none, and if `max` were claimed. It may be too short, never too long; 0 means: claim again at once.
   */
  readonly nextInMs?: Millis
}

/** What `claimDueDocuments` is asked for. */
export interface DueDocumentsRequest {
  readonly kind: string
  /** The most documents to claim, 1 to 1000. */
  readonly max: number
  /** The claimed documents are due again after this time, unless they are written. Milliseconds. */
  readonly leaseMs: Millis
}

/** The answer of `claimDueDocuments`: the claimed documents, and when to ask again. */
export interface DueDocumentsAnswer {
  /** The store's time. */
  readonly now: Instant
  /** Due documents, the longest due first. `dueAt`: since when. A claim does not change the revision. */
  readonly claimed: readonly { readonly id: string; readonly revision: number; readonly dueAt: Instant }[]
  /** Milliseconds until the next document is due or its claim ends; as in `DueAnswer`. */
  readonly nextInMs?: Millis
}

/** An event due for a sink. */
export interface DueMessage {
  readonly event: Event
  /** Earlier attempts to deliver it, from 0. */
  readonly attempts: number
}

/**
 * The outcome of a delivery, by which a sink settles an event: done, due again after `inMs` milliseconds, or a
 * dead letter. `event` is the id of the event. `why` is a clause without a secret.
 */
export type DeliveryOutcome =
  | { readonly event: string; readonly then: 'done' }
  | { readonly event: string; readonly then: 'retry'; readonly inMs: Millis; readonly why: string }
  | { readonly event: string; readonly then: 'dead-letter'; readonly why: string }
  /** Not tried: due again at once, and no attempt is counted. */
  | { readonly event: string; readonly then: 'release' }

/** An event that could not be delivered to a sink, and is not tried again by itself. */
export interface DeadLetter {
  readonly event: Event
  /** Attempts that were made, from 0. */
  readonly attempts: number
  /** Why the last attempt failed, as a clause. */
  readonly why: string
}

/**
 * Committed events that wait for delivery: one queue for each sink, by its name, in the order of their
 * commits.
 */
export interface Outbox {
  /** The sinks that an event would go to if this store committed it now. Stores nothing. */
  sinksFor(event: Event): readonly string[]
  /**
   * Claims due events for a sink, at most `max`. No other process gets them before `leaseMs` milliseconds have
   * passed, unless they are settled.
   */
  claim(sink: string, max: number, leaseMs: Millis): Promise<readonly DueMessage[]>
  /** Stores the outcomes of claimed events. Events that are not in the queue are ignored. */
  settle(sink: string, outcomes: readonly DeliveryOutcome[]): Promise<void>
  /** Moves events from the queue of a sink to the queues of other sinks, in one step. `event`: the id of an event. */
  route(sink: string, messages: readonly { readonly event: string; readonly to: readonly string[] }[]): Promise<void>
  /**
   * Queues events of a connection for a sink, due now and with no attempts: dead letters, delivered events,
   * and events that were never routed to it. `events`: their ids. Resolves to the number of them that the
   * store has.
   */
  enqueue(connection: string, sink: string, events: readonly string[]): Promise<number>
  /**
   * Makes the events of a sink due now that failed and wait for their next try. Their attempts stay counted. Also
   * those that a process is sending: these may be sent twice. Resolves to their number. Absent in a store without
   * it: then they wait.
   */
  retryNow?(sink: string): Promise<number>
  /**
   * The dead letters of a sink, in the order of commits. `after`: the `next` of the page before. `limit`: 1 to
   * 1000. `next`: absent on the last page.
   */
  deadLetters(
    sink: string,
    page: { readonly after?: string; readonly limit: number },
  ): Promise<{ readonly messages: readonly DeadLetter[]; readonly next?: string }>
  /**
   * Counts the events that wait for the sink, and its dead letters. `most`: counts no further, at least 1;
   * default: no limit.
   */
  counts(sink: string, most?: number): Promise<{ readonly waiting: number; readonly deadLetters: number }>
  /** Empties the queue of a sink. */
  drop(sink: string): Promise<void>
}

/** Names the sinks that get an event. A store calls it for each event that it commits. */
export type Route = (event: Event) => readonly string[]

/** Commits changes. Durable: an acknowledged change survives a kill. */
export interface Ledger {
  /** Stores the whole change, or nothing if a condition does not hold (`conflict`). */
  commit(change: Change): Promise<'done' | 'conflict'>
  /**
   * Reserves room on the disk for one more commit, before a refresh token is spent whose successor must be
   * stored. Rejects with `store_unavailable` if there is none.
   */
  ensureRoom(): Promise<void>
  /**
   * Since when the store may hold traces of erased data, as in a log that a reader keeps open. Undefined if
   * there are none. The next process that uses the store removes them. Absent in a store that leaves none.
   */
  tracesSince?(): Promise<Instant | undefined>
  /**
   * Removes erasures of a connection before a time from the list that the store keeps outside of its database, so
   * that a restore can repeat them. Resolves to their number. Absent in a store without such a list.
   */
  forgetErasures?(connection: string, before: Instant): Promise<number>
}

/** The credentials of guests, sign-ins and the service. Durable. */
export interface Credentials {
  /** Reads a credential by its id. */
  find(connection: string, id: string): Promise<FoundCredential>
  /** The credential of a subject. Undefined if there is none, or it was erased. */
  findBySubject(connection: string, subject: string): Promise<Credential | undefined>
  /**
   * Credentials of a kind, in the order of their ids. With `person` or `unindexed` its cost must not grow with
   * the number of other guests.
   */
  list(connection: string, query: CredentialQuery): Promise<CredentialPage>
  /**
   * Records that a caller used the credential now, so that its renewal goes on. Changes neither revision nor
   * generation. An unknown id is ignored. Called for every use: a store may skip one within a minute of the
   * last it wrote. The first write of a credential counts as a use.
   */
  touch(connection: string, id: string): Promise<void>
  /**
   * Claims guests that are due for renewal: their `dueAt` has passed, and they were touched within
   * `keepForMs`. A claim ends with its lease, or with a commit that changes generation, status or due time. A
   * commit that only adds an intent does not end it. A claim saves work. It is never needed for correctness.
   * Rejects with `invalid_input` for a request out of range.
   */
  claimDue(connection: string, ask: DueRequest): Promise<DueAnswer>
  /**
   * Counts the guests that are due now, claimed or not, up to `most`, at least 1. `keepForMs`: as in
   * `claimDue`.
   */
  countDue(connection: string, ask: { readonly keepForMs: Millis; readonly most: number }): Promise<number>
  /** Guests whose last token expired before a time, in the order of these times and of their ids. Read by an index. */
  endedGuests(connection: string, ask: EndedGuestRequest): Promise<readonly EndedGuest[]>
}

/** Small sealed values. Durable. */
export interface Documents {
  /** Reads a document. */
  document(connection: string, kind: string, id: string): Promise<Document>
  /**
   * Documents of a kind in the order of their ids, without expired ones. `after`: starts after this id. `limit`:
   * 1 to 1000. `next`: the `after` of the next page; absent on the last page.
   */
  documents(
    connection: string,
    page: { readonly kind: string; readonly after?: string; readonly limit: number },
  ): Promise<{
    readonly documents: readonly (Document & { readonly id: string; readonly value: Json })[]
    readonly next?: string
  }>
  /**
   * Claims documents of a kind that are due. A claim ends with its lease, or with a write of the document. It
   * saves work and is never needed for correctness. A due time that a clock ahead has set delays nothing.
   */
  claimDueDocuments(connection: string, ask: DueDocumentsRequest): Promise<DueDocumentsAnswer>
  /** Counts the documents of a kind, expired ones left out, up to `most`, at least 1. */
  countDocuments(connection: string, ask: { readonly kind: string; readonly most: number }): Promise<number>
}

/** The records of issued tokens, by fingerprint. Durable. */
export interface IssuedTokens {
  /** Whether the token is recorded (`Change.issued`) and has not expired, denied or not. */
  issued(connection: string, fingerprint: string): Promise<boolean>
  /** Whether the token is recorded and denied, and has not expired. */
  denied(connection: string, fingerprint: string): Promise<boolean>
}

/** Leases and rate limits. They save work and requests, are never needed for correctness, and may be lost. */
export interface Coordination {
  /**
   * Takes or prolongs the lease `name` for `ms` milliseconds. `holder`: the id of the process or worker that
   * asks. `credential`: the id of a credential to read in the same step, so that a new holder knows its state.
   */
  lease(connection: string, name: string, holder: string, ms: Millis, credential?: string): Promise<LeaseAnswer>
  /** Ends a lease if the holder still has it. */
  release(connection: string, name: string, holder: string): Promise<void>
  /** Reserves permits in the bucket of a rate-limit key, which all processes on the store share. */
  reservePermits(connection: string, rateLimitKey: string, request: PermitRequest): Promise<PermitAnswer>
  /**
   * Reads what the bucket of a rate-limit key allows now. Reserves nothing. `limit`: as in a request for permits.
   * Rejects with `invalid_input` for a limit out of range.
   */
  rateLimitState(
    connection: string,
    rateLimitKey: string,
    limit: Pick<PermitRequest, 'perMinute' | 'burst'>,
  ): Promise<RateLimitState>
  /** Applies what an answer of the upstream said of a rate limit to its bucket. */
  applyFeedback(connection: string, rateLimitKey: string, feedback: RateLimitFeedback): Promise<void>
}

/**
 * Small JSON values of a connection, as mirrored keys or the clock offset. They are not secret, and may be
 * lost.
 */
export interface Facts {
  /** Reads a value; undefined if it is absent. */
  fact(connection: string, name: string): Promise<unknown>
  /** Stores a value in the place of the former one. */
  setFact(connection: string, name: string, value: unknown): Promise<void>
}

/** The committed events, in the order of the audit chain. Durable. */
export interface AuditTrail {
  /**
   * Events of a connection in the order of their commits. `after`: the `next` of the page before. `limit`: 1 to
   * 1000. `next`: absent on the last page.
   */
  events(
    connection: string,
    page: { after?: number; limit: number },
  ): Promise<{ readonly events: readonly Event[]; readonly next?: number }>
  /**
   * The same events as links of the audit chain, from after the count `after`; `limit` 1 to 1000. `subject`:
   * only events of this subject, found by an index. The store makes the links with each commit. `before`, never
   * together with `after`: the links before this count, the newest first; `next` is then the `before` of the page
   * that follows.
   */
  chain(
    connection: string,
    page: { readonly after?: number; readonly before?: number; readonly limit: number; readonly subject?: string },
  ): Promise<{ readonly links: readonly Link[]; readonly next?: number }>
  /**
   * Removes the first links of the chain, up to the count `through`, and their events from all queues of the
   * outbox. The hashes and places of later links stay. `limit`: the most links to remove, 1 to 1000. Resolves to
   * the number of links that were removed; 0 if none is left.
   */
  prune(connection: string, ask: { readonly through: number; readonly limit: number }): Promise<number>
  /** The end of the chain. */
  chainHead(connection: string): Promise<ChainHead>
  /** The names of all connections with credentials, documents or events, in order. */
  connections(): Promise<readonly string[]>
}

/** A kind of data that a store holds. Documents are counted by their kind. */
export type StoredKind =
  | 'guests'
  | 'ended-guests'
  | 'sign-ins'
  | 'access-tokens'
  | 'issued-tokens'
  | 'events'
  | 'waiting-events'
  | 'dead-letters'
  | `documents/${string}`

/** How much of one kind a store holds for a connection. */
export interface KindSize {
  readonly kind: StoredKind
  /** How many rows, from 1. */
  readonly rows: number
  /** The bytes of the rows without indexes, estimated from a sample. Absent in a store in memory. */
  readonly bytes?: number
  /**
   * When the first event happened, of `events` and of the two kinds in the outbox. Of `ended-guests`, which
   * `guests` counts too: when the last token of the first one expired.
   */
  readonly oldestAt?: Instant
}

/** How much a store holds for a connection, and the bytes of its files. */
export interface StoreSizes {
  /** The kinds that have rows, sorted by name. */
  readonly kinds: readonly KindSize[]
  /** The bytes of all files of the store, which all connections share. Absent if there are none. */
  readonly fileBytes?: number
  /** The part of `fileBytes` that is free: later writes use it before the files grow. */
  readonly freeBytes?: number
}

/** How much a store holds. */
export interface Sizes {
  /** Counts what a connection has. It reads an index of each kind, and no more than a sample of the rows. */
  sizes(connection: string): Promise<StoreSizes>
}

/**
 * A store, in parts by durability and by reader: each caller takes the part that it needs. Every
 * implementation passes the contract kit of `testing`. Any call may reject with `store_busy` or
 * `store_unavailable`.
 */
export interface Store extends Ledger, Credentials, Documents, IssuedTokens, Coordination, Facts, AuditTrail, Sizes {
  readonly outbox: Outbox
  /** Closes the store. No call may follow. */
  close(): Promise<void>
}
