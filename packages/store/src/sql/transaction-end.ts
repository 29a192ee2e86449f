import { type Instant, type Millis, MINUTE } from '@guestpass/core/store-kit'
import { writeRecordedEvents } from './event-recorder.ts'
import type { Db } from './database.ts'
import { sweepDocuments } from './documents.ts'
import { writeRememberedTokens, sweepIssuedTokens } from './issued-tokens.ts'
import { transactionState } from './transaction-state.ts'

/** The least rows that one sweep may delete, and the new expiring rows after which it runs. */
const MIN_SWEEP_ROWS = 64
const SWEEP_EVERY: Millis = MINUTE

/** Writes recorded events and issued tokens, at the end of a transaction. */
async function endTransaction(db: Db, now: Instant): Promise<void> {
  await writeRememberedTokens(db)
  await writeRecordedEvents(db, now)
}

/** Counts expiring rows, and says when to delete expired ones. */
export interface SweepPlan {
  /** Adds the expiring rows of a transaction. Returns how many rows to sweep now; 0 for none. */
  next(transaction: Db, now: Instant): number
}

/** Plans a sweep for every minute in which rows with an expiry were written, or after enough of them. */
export function createSweepPlan(): SweepPlan {
  let expiring = 0
  let sweptAt = 0
  return {
    next(db, now) {
      expiring += transactionState(db).expiring
      // `abs`, because the clock may go back.
      if (expiring === 0 || (expiring < MIN_SWEEP_ROWS && Math.abs(now - sweptAt) < SWEEP_EVERY)) return 0
      const most = Math.max(MIN_SWEEP_ROWS, expiring * 2)
      expiring = 0
      sweptAt = now
      return most
    },
  }
}

/** Deletes at most `most` expired rows of each kind. */
export async function sweep(db: Db, most: number, now: Instant): Promise<void> {
  await sweepIssuedTokens(db, most, now)
  await sweepDocuments(db, most, now)
}

/** Returns a function for the end of each transaction of a database with one writer. It sweeps too. */
export function createTransactionEnd(now: () => Instant): (transaction: Db) => Promise<void> {
  const plan = createSweepPlan()
  return async (db) => {
    const at = now()
    await endTransaction(db, at)
    const most = plan.next(db, at)
    if (most > 0) await sweep(db, most, at)
  }
}
