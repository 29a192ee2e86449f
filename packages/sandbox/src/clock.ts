/**
 * The sandbox's clock: a source plus an offset, which control routes and tests change. All times in
 * milliseconds.
 */
export interface Clock {
  readonly now: () => number
  /** How far the clock is ahead of its source; negative if it is behind. */
  readonly offset: () => number
  /** Throws a RangeError beyond `MAX_OFFSET_MS`, as `advance` does. */
  readonly setOffset: (ms: number) => void
  readonly advance: (ms: number) => void
}

/** The largest offset: a hundred years, which is within the range of Date. */
export const MAX_OFFSET_MS = 100 * 366 * 86_400_000

export function createClock(source: () => number): Clock {
  let offset = 0
  const setOffset = (ms: number): void => {
    if (!(Math.abs(ms) <= MAX_OFFSET_MS))
      throw new RangeError(`The clock offset is ${ms} ms: pass at most ${MAX_OFFSET_MS} ms, ahead or behind.`)
    offset = ms
  }
  return {
    now: () => source() + offset,
    offset: () => offset,
    setOffset,
    advance: (ms) => setOffset(offset + ms),
  }
}

/** Whole seconds since the epoch, as in JWT claims (RFC 7519, section 2). */
export function epochSeconds(ms: number): number {
  return Math.floor(ms / 1000)
}

export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
