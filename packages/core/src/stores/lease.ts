import { type Instant, isFromFuture, type Millis } from '../domain/time.ts'
import type { LeaseAnswer } from '../ports/store.ts'

/** A lease as a store keeps it. */
export interface Lease {
  readonly holder: string
  readonly until: Instant
  /** How long it was taken for. */
  readonly ms: Millis
}

/** Milliseconds until a lease ends; 0 if it has ended. */
function remainingMs(lease: Lease, now: Instant): Millis {
  // The clock went back. The lease is given up, because it saves work and protects no data.
  return isFromFuture(lease.until - lease.ms, now) ? 0 : Math.max(0, lease.until - now)
}

/**
 * Requests a lease for `holder` for `ms` milliseconds. `lease` is the lease to store; absent if another
 * holder keeps the current one.
 */
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
