import type { Millis } from '../../domain/time.ts'
import type { Clock } from '../../ports/clock.ts'

/** A value in memory that is fresh for some time. */
export interface ExpiringValue<T> {
  /** The value while it is fresh. */
  get(): T | undefined
  set(value: T, freshFor: Millis): void
  clear(): void
}

/**
 * Reading two clocks costs more than all else here. After this many reads within `PERIOD`, the value is given
 * without the clocks until a timer of `PERIOD` fires, and for as many reads at most, because many reads may let
 * no timer fire.
 */
const FREQUENT = 1_000
const PERIOD: Millis = 10

/**
 * Makes a value that is fresh while it is by both clocks: neither a wall clock that steps back nor a suspended
 * machine makes it look younger.
 */
export function createExpiringValue<T>(clock: Clock): ExpiringValue<T> {
  let value: T | undefined
  let [freshFor, wall, monotonic] = [0, 0, 0]
  /** The value, while it is given without the clocks. */
  let unchecked: T | undefined
  let uncheckedReadsLeft = 0
  let periodBegan = 0
  let reads = 0

  const clear = (): void => {
    value = undefined
    unchecked = undefined
  }

  function readChecked(): T | undefined {
    const now = clock.monotonic()
    const isFresh = now - monotonic < freshFor && Math.abs(clock.wall() - wall) < freshFor
    if (value === undefined || !isFresh) return (unchecked = undefined)
    if (now - periodBegan >= PERIOD) {
      periodBegan = now
      reads = 0
    }
    reads += 1
    if (reads >= FREQUENT) uncheckedReadsLeft = FREQUENT
    if (reads === FREQUENT) {
      unchecked = value
      void clock.sleep(PERIOD).then(() => {
        unchecked = undefined
      })
    }
    return value
  }

  return {
    get: () => (unchecked !== undefined && (uncheckedReadsLeft -= 1) >= 0 ? unchecked : readChecked()),
    set(next, ms) {
      clear()
      value = next
      freshFor = ms
      wall = clock.wall()
      monotonic = clock.monotonic()
    },
    clear,
  }
}
