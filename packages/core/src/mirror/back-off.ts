import { backOffMs, withSpread } from '../domain/back-off.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import { MAX_PAUSE } from '../policy/retry-after.ts'
import { type Clock, stopwatch } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { DocumentFault } from './document-fault.ts'

/** The time until a document is fetched again after a failed refresh. */
export interface MirrorBackOff {
  readonly fault: DocumentFault
  /** Failures in a row, from 1. */
  readonly failures: number
  /** Milliseconds until the next try; 0 or less when the back-off is over. */
  readonly leftMs: () => Millis
}

/**
 * The back-off after one more failure: from half to the whole of 1 s, 2 s, 4 s and so on up to `maxMs`. If
 * the server named a time, the back-off is at least that long, and up to a tenth longer; at most
 * `patienceMs`. A time beyond an hour counts as an hour.
 */
export function mirrorBackOff(
  fault: DocumentFault,
  before: MirrorBackOff | undefined,
  { maxMs, patienceMs }: { readonly maxMs: Millis; readonly patienceMs: Millis },
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): MirrorBackOff {
  const failures = (before?.failures ?? 0) + 1
  const chance = random.float()
  const ownMs = backOffMs({ failures, baseMs: SECOND, maxMs, jitter: 0.5 }, chance)
  const namedMs = Math.min(withSpread(Math.min(fault.retryAfterMs ?? 0, MAX_PAUSE), chance), patienceMs)
  const elapsed = stopwatch(clock)
  return { fault, failures, leftMs: () => Math.max(ownMs, namedMs) - elapsed() }
}
