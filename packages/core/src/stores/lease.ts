import { type Instant, isFromFuture, type Millis } from '../domain/time.ts'
import type { LeaseAnswer } from '../ports/store.ts'

/** A lease as a store keeps it. */
export interface Lease {
  readonly holder: string
  readonly until: Instant
  /** How long it was taken for. */
  readonly ms: Millis
}

/** Milliseconds that a lease still stands; 0 when it has ended. */
function remainingMs(lease: Lease, now: Instant): Millis {
  // Taken in the future: the clock went back. The lease is given up, for it saves work and guards nothing.
  return isFromFuture(lease.until - lease.ms, now) ? 0 : Math.max(0, lease.until - now)
}

/** Asks for a lease. `lease` is what stands from now on, absent when the one that stood goes on. */
export function takeLease(
  current: Lease | undefined,
  holder: string,
  ms: Millis,
  now: Instant,
): { readonly answer: LeaseAnswer; readonly lease?: Lease } {
  const endsInMs = current && current.holder !== holder ? remainingMs(current, now) : 0
  if (endsInMs > 0) return { answer: { granted: false, endsInMs } }
  return { answer: { granted: true, endsInMs: ms }, lease: { holder, until: now + ms, ms } }
}
