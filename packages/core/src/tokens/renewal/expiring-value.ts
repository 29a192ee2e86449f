import type { Millis } from '../../domain/time.ts'
import type { Clock } from '../../ports/clock.ts'

/** One value in memory, fresh for a while. */
export interface ExpiringValue<T> {
  /** The value while it is fresh. */
  get(): T | undefined
  set(value: T, freshFor: Millis): void
  clear(): void
}

/**
 * Reading two clocks costs more than all else here: after so many looks within a glance they are spared until the glance ends,
 * and for as many looks at most, because a storm may let no timer fire.
 */
const STORM = 1_000
const GLANCE: Millis = 10

/** Fresh by both clocks, so that neither a backward step of the wall nor a suspended machine makes a value look young. */
export function createExpiringValue<T>(clock: Clock): ExpiringValue<T> {
  let value: T | undefined
  let [freshFor, wall, monotonic] = [0, 0, 0]
  /** The value again, while the clocks are spared. */
  let spared: T | undefined
  let sparedLooks = 0
  let glanceBegan = 0
  let looks = 0

  const clear = (): void => {
    value = undefined
    spared = undefined
  }

  function look(): T | undefined {
    const now = clock.monotonic()
    const isFresh = now - monotonic < freshFor && Math.abs(clock.wall() - wall) < freshFor
    if (value === undefined || !isFresh) return (spared = undefined)
    if (now - glanceBegan >= GLANCE) {
      glanceBegan = now
      looks = 0
    }
    looks += 1
    if (looks >= STORM) sparedLooks = STORM
    if (looks === STORM) {
      spared = value
      void clock.sleep(GLANCE).then(() => {
        spared = undefined
      })
    }
    return value
  }

  return {
    get: () => (spared !== undefined && (sparedLooks -= 1) >= 0 ? spared : look()),
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
