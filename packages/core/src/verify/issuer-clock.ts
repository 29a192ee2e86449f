import { HOUR, type Instant, type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'

/** Closer than this two clocks count as one: a Date header has whole seconds, and the answer travelled. */
const TOLERANCE: Millis = 2 * SECOND
/** A Date header further off than this says nothing. */
const IMPLAUSIBLE: Millis = 48 * HOUR

/** The clock of a token issuer, known from the Date headers of its answers. */
export interface IssuerClock {
  /** The issuer's time now; the wall clock's where no Date header is known that this very clock was compared with. */
  now(): Instant
  /** How far the issuer is ahead of the wall clock, in milliseconds; 0 where that is not known. */
  offset(): Millis
  /** Tells what a Date header said just now. */
  observe(date: Instant | undefined): void
}

/** An offset as a store keeps it: good for the clock that measured it, and for no other. */
export interface OffsetFact {
  readonly offset: Millis
  /** When the machine started, by the wall clock that measured. Another machine, or a clock that was set since, says otherwise. */
  readonly startedAt: Instant
}

/** An offset as it is stored; undefined where processes cannot know that they have the same clock. */
export const offsetFact = (clock: Clock, offset: Millis): OffsetFact | undefined =>
  clock.uptime && { offset, startedAt: clock.wall() - clock.uptime() }

/** The offset that was stored, if this very clock measured it; else 0. */
function storedOffset(clock: Clock, value: unknown): Millis {
  if (typeof value !== 'object' || value === null || !clock.uptime) return 0
  const { offset, startedAt } = value as Partial<OffsetFact>
  const isOurs = Math.abs(clock.wall() - clock.uptime() - Number(startedAt)) < TOLERANCE
  return isOurs && typeof offset === 'number' && Math.abs(offset) <= IMPLAUSIBLE ? offset : 0
}

/**
 * An issuer's clock. An offset belongs to the wall clock that measured it: once that clock was set (it and the monotonic clock
 * disagree by 2 s since), the offset is void until the next Date header, and the issuer's time is the wall clock's, but never
 * earlier than the last Date header and what the monotonic clock counted since.
 *
 * @param remembered what was stored of it, see `offsetFact`
 * @param onChange hears of an offset that is worth storing
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
