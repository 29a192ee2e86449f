import type { IncomingHttpHeaders } from 'node:http'
import { iso } from './clock.ts'
import type { FaultEffect } from './faults.ts'
import { maskBody, maskHeaders, maskPath } from './mask.ts'

/**
 * One request and its answer. Secrets and e-mail addresses show as `sha256:` and 12 hexadecimal digits: the
 * same value has the same digest.
 */
export interface JournalEntry {
  /** The number of the request, from 1. If the first entry has a higher one, older entries were dropped. */
  readonly seq: number
  /** When it was received, by the sandbox's clock (ISO 8601). */
  readonly at: string
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** The operation, as faults name it; absent if no endpoint has this path. */
  readonly operation?: string
  /** The status of the answer. Null while it is pending, and if the connection was reset. */
  readonly status: number | null
  /** Headers of the request. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Body of the request as data; null if it had none. A body that cannot be parsed shows its size and digest.
   */
  readonly body: unknown
  /** The scripted fault that this request took. */
  readonly fault?: FaultEffect
  /**
   * The answer of an earlier request with the same Idempotency-Key or refresh token was repeated. Nothing
   * took effect.
   */
  readonly replayed?: true
  /** A spent code or refresh token was presented again. */
  readonly reuse?: true
  /** The grant type of a token request. */
  readonly grant?: string
  /** The id of the sign-in: the same for all tokens that come from it. */
  readonly family?: string
  /** How often this refresh token was presented so far, this time included. */
  readonly presented?: number
  /** The guest of the request. */
  readonly guestId?: string
  /** The header X-Genesys-Request-Id of a create. It serves tracing only. */
  readonly requestId?: string
  /** How many creates took effect so far for this address, and this channel if there is one. */
  readonly created?: number
  /** How many refreshes took effect so far for this guest. */
  readonly refreshes?: number
}

/** What an endpoint adds to the journal entry of its request. */
export type JournalNotes = Pick<
  JournalEntry,
  'replayed' | 'reuse' | 'grant' | 'family' | 'presented' | 'guestId' | 'requestId' | 'created' | 'refreshes'
>

/** The entry of a request that is not answered yet. */
export interface OpenEntry {
  body(contentType: string | undefined, body: Buffer): void
  readonly note: (facts: JournalNotes & { readonly operation?: string; readonly fault?: FaultEffect }) => void
  status(status: number): void
}

export interface Journal {
  open(request: { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders }): OpenEntry
  readonly entries: () => JournalEntry[]
  /** How many entries were dropped since the last `clear` to keep to the capacity. */
  dropped(): number
  clear(): void
}

/** Keeps the last `capacity` entries. `now`: milliseconds since the epoch. */
export function createJournal(capacity: number, now: () => number): Journal {
  // A ring buffer: to drop the oldest entry of a plain array costs the length of the array for every request.
  let ring: JournalEntry[] = []
  let next = 0
  let seq = 0
  let dropped = 0
  const keep = (entry: JournalEntry): void => {
    if (ring.length < capacity) {
      ring.push(entry)
      return
    }
    ring[next] = entry
    next = (next + 1) % capacity
    dropped += 1
  }
  return {
    open: ({ method, url, headers }) => {
      seq += 1
      const entry = {
        seq,
        at: iso(now()),
        method,
        path: maskPath(url),
        status: null as number | null,
        headers: maskHeaders(headers),
        body: null as unknown,
      }
      keep(entry)
      return {
        body: (contentType, body) => {
          entry.body = maskBody(contentType, body)
        },
        note: (facts) => {
          Object.assign(entry, facts)
        },
        status: (status) => {
          entry.status = status
        },
      }
    },
    entries: () => [...ring.slice(next), ...ring.slice(0, next)].map((entry) => ({ ...entry })),
    dropped: () => dropped,
    clear: () => {
      ring = []
      next = 0
      dropped = 0
    },
  }
}
