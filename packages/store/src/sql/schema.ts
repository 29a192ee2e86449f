import type { Credential, LinkVersion } from '@guestpass/core/store-kit'

/** The tables, the same in every database. Times are milliseconds since 1970. */
export interface Tables {
  readonly credentials: {
    readonly connection: string
    readonly id: string
    readonly kind: Credential['kind']
    readonly generation: number
    readonly revision: number
    readonly standing: Credential['status']
    /** When the credential is due for renewal; null if never. */
    readonly due_at: number | null
    /** When `due_at` was set; see `dueSetAt`. */
    readonly due_set_at: number
    /** Until when a keeper has claimed the row. */
    readonly claimed_until: number
    /** When the row was claimed last. */
    readonly claimed_at: number
    readonly touched_at: number
    /** 1: a keeper found the row due but not in use. Claims do not read it until a touch. Otherwise 0. */
    readonly lapsed: number
    readonly subject: string
    /** The token set as JSON, sealed for this row and generation. */
    readonly tokens: Uint8Array | null
    /** Personal data as JSON, sealed for this row and generation with a key of its own. */
    readonly profile: Uint8Array | null
    /** The pseudonym of the address in the profile; empty if the profile has none. Null: see `GuestCredential.person`. */
    readonly person: string | null
    /** 1: the row had a profile before its last write, so that write replaces its key. Otherwise 0. */
    readonly was_personal: number
    /** All other members of the credential, as JSON. */
    readonly body: string
  }
  /** The sealed key of each profile. Without it, no copy of the profile can be read. */
  readonly profile_keys: {
    readonly connection: string
    readonly id: string
    readonly key: Uint8Array
  }
  readonly documents: {
    readonly connection: string
    readonly kind: string
    readonly id: string
    readonly revision: number
    /** JSON, sealed for this row and revision. */
    readonly value: Uint8Array
    readonly expires_at: number | null
    /** The lifetime in milliseconds; null if unlimited, or written by a version without this column. */
    readonly kept_ms: number | null
    /** When the document is due; null if never, 0 if a version without due times wrote it. */
    readonly due_at: number | null
    /** When a write or a claim set `due_at`. */
    readonly due_set_at: number
  }
  /**
   * The events of each connection, in the order of its chain. Events of different connections have no order.
   */
  readonly events: {
    readonly connection: string
    /** The number of the chain, and the place in it from 1, which is the cursor of pages; see `Link`. */
    readonly chain: number
    readonly count: number
    readonly version: LinkVersion
    readonly hash: string
    readonly id: string
    /** JSON. */
    readonly body: string
  }
  /** The head of each chain. A transaction locks heads last, sorted by connection. */
  readonly chain_heads: {
    readonly connection: string
    readonly chain: number
    readonly count: number
    readonly hash: string
    /** When the latest event was added; never goes back. */
    readonly at: number
  }
  readonly outbox: {
    readonly connection: string
    readonly sink: string
    /** The id of the event, and its place in the chain. */
    readonly event: string
    readonly chain: number
    readonly count: number
    /** When it came into the outbox: the order of the messages of a sink. Those of one connection follow its chain. */
    readonly queued_at: number
    /** Null for a dead letter. */
    readonly due_at: number | null
    /** When `due_at` was set last; 0 if no delivery was tried. */
    readonly set_at: number
    readonly attempts: number
    readonly why: string | null
  }
  readonly issued: {
    readonly connection: string
    readonly fingerprint: string
    readonly credential: string
    readonly expires_at: number
    /** 0 or 1. */
    readonly denied: number
  }
  readonly leases: {
    readonly connection: string
    readonly name: string
    readonly holder: string
    readonly until: number
    readonly ms: number
  }
  readonly buckets: {
    readonly connection: string
    readonly lane: string
    /** JSON. */
    readonly state: string
  }
  readonly facts: {
    readonly connection: string
    readonly name: string
    /** JSON. */
    readonly value: string
  }
  readonly keys: {
    readonly id: string
    readonly wrapped_by: string
    readonly wrapped: Uint8Array
    readonly created_at: number
  }
}
