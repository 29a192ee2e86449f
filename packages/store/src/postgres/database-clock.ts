import { type Instant, type Millis, SECOND, stopwatch } from '@guestpass/core/store-kit'
import type { Clock } from '@guestpass/core'
import type { PgClient } from './pool.ts'

/** SQL for the time of the server, in milliseconds since 1970. */
export const SERVER_MS = 'extract(epoch from clock_timestamp()) * 1000'
/** The same as the column `now`, which the driver reads as a number. */
export const SERVER_TIME = `cast(${SERVER_MS} as double precision) as now`

/** A sample older than this is taken again before a read. */
const STALE: Millis = SECOND

/** The clock of the database, which all processes share. */
export interface DatabaseClock {
  /** The time of the database: that of the last sample, and the time since then. */
  now(): Instant
  /** Takes a sample: the time that a statement has just returned. */
  sampled(at: Instant): void
  /** Takes a sample from the server if the last one is old. */
  refresh(client: PgClient): Promise<void>
}

/**
 * Creates the clock. Each write takes a sample in its first statement, so that the time between two samples is
 * short.
 *
 * @param clock measures the time since a sample
 * @param time gives the time in place of the database, for tests
 */
export function createDatabaseClock(clock: Clock, time?: () => Instant): DatabaseClock {
  let base = Number.NaN
  let elapsed = stopwatch(clock)
  const sampled = (at: Instant): void => {
    base = at
    elapsed = stopwatch(clock)
  }
  return {
    now: () => time?.() ?? base + elapsed(),
    sampled,
    async refresh(client) {
      if (elapsed() < STALE && !Number.isNaN(base)) return
      const { rows } = await client.query(`select ${SERVER_TIME}`)
      sampled((rows[0] as { readonly now: Instant }).now)
    },
  }
}
