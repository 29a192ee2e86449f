import { type Instant, MINUTE } from '@guestpass/core/store-kit'
import { writeRecordedEvents } from './event-recorder.ts'
import type { Db } from './database.ts'
import { sweepDocuments } from './documents.ts'
import { writeRememberedTokens, sweepIssuedTokens } from './issued-tokens.ts'
import { transactionState } from './transaction-state.ts'

/** Rows that one sweep clears away at least, and after how many new ones it comes. */
const MIN_SWEEP_ROWS = 64

/** What a transaction does at its end: it chains its events, and now and then clears away what has expired. */
export function createTransactionEnd(now: () => Instant): (transaction: Db) => Promise<void> {
  let expiring = 0
  let sweptAt = 0
  return async (db) => {
    const at = now()
    await writeRememberedTokens(db)
    await writeRecordedEvents(db, at)
    expiring += transactionState(db).expiring
    // Also when the clock went back.
    if (expiring === 0 || (expiring < MIN_SWEEP_ROWS && Math.abs(at - sweptAt) < MINUTE)) return
    const most = Math.max(MIN_SWEEP_ROWS, expiring * 2)
    await sweepIssuedTokens(db, most, at)
    await sweepDocuments(db, most, at)
    expiring = 0
    sweptAt = at
  }
}
