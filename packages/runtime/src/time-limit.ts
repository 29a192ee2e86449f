import type { Clock } from '@guestpass/core'
import type { Millis } from '@guestpass/core/store-kit'

/**
 * Waits for work for at most `ms` milliseconds. Resolves to true if it ended in this time, else to false; the
 * work goes on. Rejects as the work does, if it rejects in this time.
 */
export async function endsWithin(ms: Millis, work: Promise<unknown>, clock: Pick<Clock, 'sleep'>): Promise<boolean> {
  const over = new AbortController()
  const late = clock.sleep(ms, over.signal).catch(() => {})
  try {
    return await Promise.race([work.then(() => true), late.then(() => false)])
  } finally {
    over.abort()
  }
}
