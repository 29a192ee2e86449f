import { HOUR, type Instant, type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'

/** Clocks that differ by less count as equal: a Date header has whole seconds, and the answer took time. */
const TOLERANCE: Millis = 2 * SECOND
/** A Date header that differs by more is ignored. */
const IMPLAUSIBLE: Millis = 48 * HOUR

/** The clock of a token issuer, measured by the Date headers of its answers (RFC 9110, section 6.6.1). */
export interface IssuerClock {
  /**
   * The issuer's time, in epoch milliseconds; the time of the wall clock where it was not measured with this
   * clock.
   */
  now(): Instant
  /** How far the issuer's clock is ahead of the wall clock, in milliseconds; 0 where that is not known. */
  offset(): Millis
  /** Measures with a Date header that was received just now; undefined for an answer without one. */
  observe(date: Instant | undefined): void
}

/** An offset as it is stored. It holds for the clock that measured it, and for no other. */
interface OffsetFact {
  readonly offset: Millis
  /**
   * When the machine started, by the wall clock that measured. It differs on another machine, or after the
   * clock was set.
   */
  readonly startedAt: Instant
}

/** An offset in its stored form; undefined where processes cannot know that they have the same clock. */
export const offsetFact = (clock: Clock, offset: Millis): OffsetFact | undefined =>
  clock.uptime && { offset, startedAt: clock.wall() - clock.uptime() }

/** The stored offset, where this clock measured it; else 0. */
function storedOffset(clock: Clock, value: unknown): Millis {
  if (typeof value !== 'object' || value === null || !clock.uptime) return 0
  const { offset, startedAt } = value as Partial<OffsetFact>
  const isOurs = Math.abs(clock.wall() - clock.uptime() - Number(startedAt)) < TOLERANCE
  return isOurs && typeof offset === 'number' && Math.abs(offset) <= IMPLAUSIBLE ? offset : 0
}

/**
 * Makes the clock of an issuer. An offset belongs to the wall clock that measured it. After that clock was
 * set, which shows when it and the monotonic clock differ by 2 s more than before, the offset is void until
 * the next Date header. The issuer's time is then that of the wall clock, but never earlier than the last
 * Date header plus the time that the monotonic clock has counted since.
 *
 * @param remembered the stored offset, see `offsetFact`
 * @param onChange is called with an offset to store
 */
export function createIssuerClock(
  clock: Clock,
  remembered?: unknown,
  onChange: (offset: Millis) => void = () => {},
): IssuerClock {
  const drift = (): Millis => clock.wall() - clock.monotonic()
  let offset = storedOffset(clock, remembered)
  let measuredAt = drift()
  /** The issuer's time at the last Date header, less the monotonic clock's. */
  let lowerBound = Number.NEGATIVE_INFINITY
  const isVoid = (): boolean => !(Math.abs(drift() - measuredAt) < TOLERANCE)
  return {
    now: () => (isVoid() ? Math.max(clock.wall(), lowerBound + clock.monotonic()) : clock.wall() + offset),
    offset: () => (isVoid() ? 0 : offset),
    observe(date) {
      if (date === undefined) return
      const seen = date - clock.wall()
      if (!(Math.abs(seen) <= IMPLAUSIBLE)) return
      const next = Math.abs(seen) < TOLERANCE ? 0 : seen
      const isDifferent = Math.abs(next - offset) >= TOLERANCE || (next === 0) !== (offset === 0)
      const isWorthStoring = isDifferent || (isVoid() && next !== 0)
      measuredAt = drift()
      lowerBound = date - clock.monotonic()
      if (!isWorthStoring) return
      offset = next
      onChange(offset)
    },
  }
}
