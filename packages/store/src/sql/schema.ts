import type { Credential, LinkVersion } from '@guestpass/core/store-kit'

/** The tables, for every database alike. Instants are milliseconds since the epoch; `text` that holds JSON says so. */
export interface Tables {
  readonly credentials: {
    readonly connection: string
    readonly id: string
    readonly kind: Credential['kind']
    readonly generation: number
    readonly revision: number
    readonly standing: Credential['status']
    /** Null when it is never due for renewal. */
    readonly due_at: number | null
    /** When that was set; see `dueSetAt`. */
    readonly due_set_at: number
    /** Until when it is a keeper's to renew. */
    readonly claimed_until: number
    /** When it was claimed last. */
    readonly claimed_at: number
    readonly touched_at: number
    /** 1: a keeper found it due and not kept, so that none has to pass it until it is touched; else 0. */
    readonly lapsed: number
    readonly subject: string
    /** The token set as JSON, sealed for this row and generation. */
    readonly tokens: Uint8Array | null
    /** Personal data as JSON, sealed for this row and generation under a key of its own. */
    readonly profile: Uint8Array | null
    /** 1: it had a profile before its last write, whose key that write has to replace; else 0. */
    readonly was_personal: number
    /** All other parts of the credential, as JSON. */
    readonly body: string
  }
  /** The key of each profile, sealed: without it the profile, and every copy of it, can be read by nobody. */
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
    /** How long it lives, in milliseconds; null when for ever, or written before this was kept. */
    readonly kept_ms: number | null
    /** Null when it is never due; 0 where a version wrote it that knew no due times. */
    readonly due_at: number | null
    /** When that was set, by a write or a claim. */
    readonly due_set_at: number
  }
  /** The events of a connection in the order of their chain; there is no order over connections. */
  readonly events: {
    readonly connection: string
    /** The chain, and the place in it, which is the cursor of pages; see `Link`. */
    readonly chain: number
    readonly count: number
    readonly version: LinkVersion
    readonly hash: string
    readonly id: string
    /** JSON. */
    readonly body: string
  }
  /** Where each chain ends. Locked last in a transaction, in the order of connections. */
  readonly chain_heads: {
    readonly connection: string
    readonly chain: number
    readonly count: number
    readonly hash: string
    /** The latest moment at which it grew; never goes back. */
    readonly at: number
  }
  readonly outbox: {
    readonly connection: string
    readonly sink: string
    /** The id of the event, and its place. */
    readonly event: string
    readonly chain: number
    readonly count: number
    /** When it came into the outbox: what orders the letters of a sink, those of one connection as its chain does. */
    readonly queued_at: number
    /** Null when the event is parked. */
    readonly due_at: number | null
    /** When `due_at` was set last; 0 for what was never tried. */
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
