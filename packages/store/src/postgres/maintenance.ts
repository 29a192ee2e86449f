import { type Instant, type Millis, MINUTE } from '@guestpass/core/store-kit'
import type { Db } from '../sql/database.ts'
import { createSweepPlan, sweep } from '../sql/transaction-end.ts'
import { withClient } from './clients.ts'
import { sweepCommitIds } from './commit-ids.ts'
import { type TransactionParts, transact } from './transactions.ts'

const VACUUM_EVERY: Millis = MINUTE

/** Deletes what has expired, besides the writes that made it. */
export interface Maintenance {
  /** Called at the end of each transaction. */
  afterWrites(transaction: Db, now: Instant): void
  /** Called after a write that removed the key of a profile. */
  afterErasure(): void
  /** Resolves when no work is under way. */
  idle(): Promise<void>
}

/**
 * Creates the maintenance of a database. Its work runs in transactions of its own, beside all writes, and skips rows
 * that other processes have locked. A failure is not reported: the next time does the work.
 */
export function createMaintenance(parts: TransactionParts): Maintenance {
  const { pool, databaseClock } = parts
  const plan = createSweepPlan()
  let vacuumedAt = Number.NEGATIVE_INFINITY
  let working = Promise.resolve()
  const start = (work: () => Promise<void>): void => {
    working = working.then(work).catch(() => {})
  }
  const sweepAll = async (most: number): Promise<void> => {
    const kind = { connection: '', commit: 'may be lost', isShared: false } as const
    await transact(parts, kind, (db) => sweep(db, most, databaseClock.now()))
    await withClient(pool, (client) => sweepCommitIds(client, most))
  }
  return {
    afterWrites(transaction, now) {
      const most = plan.next(transaction, now)
      if (most > 0) start(() => sweepAll(most))
    },
    afterErasure() {
      const now = databaseClock.now()
      if (Math.abs(now - vacuumedAt) < VACUUM_EVERY) return
      vacuumedAt = now
      // Frees the rows of destroyed keys. Copies in the log of the server and in backups stay, sealed.
      start(() => withClient(pool, async (client) => void (await client.query('vacuum profile_keys'))))
    },
    idle: () => working,
  }
}
