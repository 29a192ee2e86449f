import { type Instant, MINUTE } from '@guestpass/core/store-kit'
import { flush } from './append.ts'
import type { Db } from './database.ts'
import { sweepDocuments } from './documents.ts'
import { flushIssued, sweepIssued } from './issued.ts'
import { memoryOf } from './transaction-memory.ts'

/** Rows that one sweep clears away at least, and after how many new ones it comes. */
const SWEEP = 64

/** What a transaction does at its end: it chains its events, and now and then clears away what has expired. */
export function finisher(now: () => Instant): (transaction: Db) => Promise<void> {
  let expiring = 0
  let sweptAt = 0
  return async (db) => {
    const at = now()
    await flushIssued(db)
    await flush(db, at)
    expiring += memoryOf(db).expiring
    // Also when the clock went back.
    if (expiring === 0 || (expiring < SWEEP && Math.abs(at - sweptAt) < MINUTE)) return
    const most = Math.max(SWEEP, expiring * 2)
    await sweepIssued(db, most, at)
    await sweepDocuments(db, most, at)
    expiring = 0
    sweptAt = at
  }
}
