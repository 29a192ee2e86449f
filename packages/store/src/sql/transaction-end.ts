import { type Instant, MINUTE } from '@guestpass/core/store-kit'
import { writeRecordedEvents } from './event-recorder.ts'
import type { Db } from './database.ts'
import { sweepDocuments } from './documents.ts'
import { writeRememberedTokens, sweepIssuedTokens } from './issued-tokens.ts'
import { transactionState } from './transaction-state.ts'

/** The least rows that one sweep may delete, and the new expiring rows after which it runs. */
const MIN_SWEEP_ROWS = 64

/**
 * Returns a function for the end of each transaction. It writes recorded events and issued tokens. Every
 * minute, or after enough new rows, it also deletes expired rows.
 */
export function createTransactionEnd(now: () => Instant): (transaction: Db) => Promise<void> {
  let expiring = 0
  let sweptAt = 0
  return async (db) => {
    const at = now()
    await writeRememberedTokens(db)
    await writeRecordedEvents(db, at)
    expiring += transactionState(db).expiring
    // `abs`, because the clock may go back.
    if (expiring === 0 || (expiring < MIN_SWEEP_ROWS && Math.abs(at - sweptAt) < MINUTE)) return
    const most = Math.max(MIN_SWEEP_ROWS, expiring * 2)
    await sweepIssuedTokens(db, most, at)
    await sweepDocuments(db, most, at)
    expiring = 0
    sweptAt = at
  }
}
