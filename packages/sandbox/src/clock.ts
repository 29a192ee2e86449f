/** The sandbox's time: a source plus an offset that control routes and tests move. All times in milliseconds. */
export interface Clock {
  readonly now: () => number
  /** How far the sandbox is ahead of its source; negative when behind. */
  readonly offset: () => number
  /** Throws a RangeError beyond `FAR`, as `advance` does. */
  readonly setOffset: (ms: number) => void
  readonly advance: (ms: number) => void
}

/** How far the clock can be put: a hundred years, beyond what anybody means and within what a date can hold. */
export const MAX_OFFSET_MS = 100 * 366 * 86_400_000

export function createClock(source: () => number): Clock {
  let offset = 0
  const put = (ms: number): void => {
    if (!(Math.abs(ms) <= MAX_OFFSET_MS))
      throw new RangeError(`The clock can be put at most ${MAX_OFFSET_MS} ms from its source, not ${ms}`)
    offset = ms
  }
  return {
    now: () => source() + offset,
    offset: () => offset,
    setOffset: put,
    advance: (ms) => put(offset + ms),
  }
}

/** Whole seconds since the epoch, as JWT claims count them. */
export function epochSeconds(ms: number): number {
  return Math.floor(ms / 1000)
}

export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
