/** The requests of a connection that are being answered. */
export interface OpenRequests {
  began(): void
  ended(): void
  /** Resolves when none is being answered. */
  none(): Promise<void>
}

export function createOpenRequests(): OpenRequests {
  let count = 0
  const waiting = new Set<() => void>()
  return {
    began: () => void (count += 1),
    ended() {
      count -= 1
      if (count > 0) return
      for (const resolve of waiting) resolve()
      waiting.clear()
    },
    none: () => (count === 0 ? Promise.resolve() : new Promise((resolve) => waiting.add(resolve))),
  }
}
