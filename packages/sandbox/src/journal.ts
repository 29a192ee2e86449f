import type { IncomingHttpHeaders } from 'node:http'
import { iso } from './clock.ts'
import type { FaultEffect } from './faults.ts'
import { maskBody, maskHeaders, maskPath } from './mask.ts'

/** What an endpoint adds to the entry of the request that it answered. */
export interface JournalNotes {
  /** The answer was kept from an earlier request with the same Idempotency-Key or refresh token; nothing took effect. */
  readonly replayed?: true
  /** A credential that was already used up was presented again. */
  readonly reuse?: true
  /** The grant type of a token request. */
  readonly grant?: string
  /** The sign-in that the credential comes from: the same for all tokens that follow from each other. */
  readonly family?: string
  /** How often this very refresh token has come in so far, this time included. */
  readonly presented?: number
  readonly guestId?: string
  /** The X-Genesys-Request-Id of a create, which only traces. */
  readonly requestId?: string
  /** How many creates have taken effect so far for this address, on this channel where there is one. */
  readonly created?: number
  /** How many refreshes have taken effect for this guest so far. */
  readonly refreshes?: number
}

/** One request and how it was answered. Secrets and mail addresses show as `sha256:` and twelve hexadecimal digits. */
export interface JournalEntry extends JournalNotes {
  /** Counts requests from 1: a first entry above 1 says how many older ones were dropped. */
  readonly seq: number
  /** When it came in, on the sandbox's clock: ISO 8601. */
  readonly at: string
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** The operation, as faults name it; absent where no endpoint answers. */
  readonly operation?: string
  /** Null while the answer is pending, and for ever when the connection was reset instead. */
  readonly status: number | null
  /** Headers of the request. */
  readonly headers: Readonly<Record<string, string>>
  /** Body of the request, or null. */
  readonly body: unknown
  /** The scripted fault that this request met. */
  readonly fault?: FaultEffect
}

/** An entry still being written. */
export interface OpenEntry {
  body(contentType: string | undefined, body: Buffer): void
  readonly note: (facts: JournalNotes & { readonly operation?: string; readonly fault?: FaultEffect }) => void
  status(status: number): void
}

export interface Journal {
  open(request: { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders }): OpenEntry
  readonly entries: () => JournalEntry[]
  /** How many entries were dropped to stay within the bound, since the last `clear`. */
  dropped(): number
  clear(): void
}

/** Keeps the last `capacity` entries. */
export function createJournal(capacity: number, now: () => number): Journal {
  // A ring: dropping the oldest of a plain array would cost the length of the array for every request.
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
