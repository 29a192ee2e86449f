import { type Instant, isFromFuture, type Millis } from '../domain/time.ts'
import type { LeaseAnswer } from '../ports/store.ts'

/** A lease as a store keeps it. */
export interface Lease {
  /** The id of the process or worker that has the lease. */
  readonly holder: string
  /** When the lease ends, on the store's clock. */
  readonly until: Instant
  /** The length of the lease, in milliseconds. */
  readonly ms: Millis
}

/** Milliseconds until a lease ends; 0 if it has ended. */
function remainingMs(lease: Lease, now: Instant): Millis {
  // The clock went back. The lease is given up, because it saves work and protects no data.
  return isFromFuture(lease.until - lease.ms, now) ? 0 : Math.max(0, lease.until - now)
}

/**
 * Takes a lease for `holder`, or prolongs the one that it has. A store reads the lease, calls this and writes
 * the result in one transaction.
 *
 * @param current the stored lease; undefined for none
 * @param ms the length of the lease, in milliseconds
 * @param now the store's time
 * @returns `answer`, and the `lease` to store; without a lease if another holder has the current one
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
