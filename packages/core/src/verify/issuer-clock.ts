import { HOUR, type Instant, type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'

/** Closer than this the two clocks count as one: a Date header has whole seconds, and the answer travelled. */
const SAME: Millis = 2 * SECOND
/** A Date header further off than this says nothing. */
const ABSURD: Millis = 48 * HOUR

/** The clock of a token issuer, known from the Date headers of its answers. */
export interface IssuerClock {
  /** The issuer's time now; the wall clock's until a Date header was seen. */
  now(): Instant
  /** How far the issuer is ahead of the wall clock. */
  offset(): Millis
  /** Tells what a Date header said just now. */
  observe(date: Instant | undefined): void
}

/** An issuer's clock that starts from an offset remembered earlier (default 0); `onChange` hears of a new one. */
export function issuerClock(
  clock: Clock,
  remembered: Millis = 0,
  onChange: (offset: Millis) => void = () => {},
): IssuerClock {
  let offset = Number.isFinite(remembered) && Math.abs(remembered) <= ABSURD ? remembered : 0
  return {
    now: () => clock.wall() + offset,
    offset: () => offset,
    observe(date) {
      if (date === undefined) return
      const seen = date - clock.wall()
      if (!(Math.abs(seen) <= ABSURD)) return
      const next = Math.abs(seen) < SAME ? 0 : seen
      if (Math.abs(next - offset) < SAME && (next === 0) === (offset === 0)) return
      offset = next
      onChange(offset)
    },
  }
}
