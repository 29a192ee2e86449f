import type { PgPool } from '../../src/postgres/pool.ts'

/** A pool that stops before one of its statements. */
export interface PausingPool {
  readonly pool: PgPool
  /** Stops before the statement `at`, counted from now. */
  readonly pauseAt: (at: number) => void
  /** Resolves when it has stopped. */
  readonly paused: () => Promise<void>
  /** Goes on, and stops no more. */
  readonly resume: () => void
}

export function pausingPool(pool: PgPool): PausingPool {
  let left = 0
  let reached = Promise.withResolvers<void>()
  let gate = Promise.withResolvers<void>()
  return {
    pool: {
      async connect() {
        const client = await pool.connect()
        return {
          ...client,
          async query(text, values) {
            left -= 1
            if (left === 0) {
              reached.resolve()
              await gate.promise
            }
            return client.query(text, values)
          },
        }
      },
      close: async () => {},
    },
    pauseAt(at) {
      left = at
      reached = Promise.withResolvers()
      gate = Promise.withResolvers()
    },
    paused: () => reached.promise,
    resume: () => gate.resolve(),
  }
}
