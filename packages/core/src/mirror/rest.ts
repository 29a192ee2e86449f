import { type Millis, SECOND } from '../domain/time.ts'
import { MAX_PAUSE } from '../policy/retry-after.ts'
import { type Clock, stopwatch } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { DocumentFault } from './fault.ts'

/** A pause after a failed refresh. */
export interface Rest {
  readonly fault: DocumentFault
  /** Failures in a row, from 1. */
  readonly failures: number
  /** Milliseconds until the next try; 0 or less when the pause is over. */
  readonly left: () => Millis
}

/** The first pause; it doubles with every further failure. */
const FIRST: Millis = SECOND

/**
 * The pause after one more failure, from half to the whole of 1 s, 2 s, 4 s and so on up to `longest`. When the server said how
 * long to wait, then never less than that and up to a tenth more, but at most `patience`;
 * what it says beyond an hour counts as an hour.
 */
export function restAfter(
  fault: DocumentFault,
  before: Rest | undefined,
  bounds: { readonly longest: Millis; readonly patience: Millis },
  ports: { readonly clock: Clock; readonly random: Random },
): Rest {
  const failures = (before?.failures ?? 0) + 1
  const luck = ports.random.float()
  const grown = Math.min(FIRST * 2 ** (failures - 1), bounds.longest) * (0.5 + luck / 2)
  const told = Math.min(Math.min(fault.toldMs ?? 0, MAX_PAUSE) * (1 + luck / 10), bounds.patience)
  const since = stopwatch(ports.clock)
  return { fault, failures, left: () => Math.max(grown, told) - since() }
}
