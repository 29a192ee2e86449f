import { setImmediate as turn } from 'node:timers/promises'
import type { DatabaseSync } from 'node:sqlite'
import { type Instant, type Millis, SECOND } from '@guestpass/core/store-kit'
import type { Db } from '../sql/database.ts'
import { readFact, writeFact } from '../sql/facts.ts'

/**
 * A note in the store that SQLite's write-ahead log may still hold erased data. It is written in the
 * transaction of the erasure, so that the next process finds it even after a kill.
 */
interface ErasureMark {
  readonly id: string
  /** When the first erasure happened whose data may remain. */
  readonly since: Instant
}

/** The fact that holds the note. It belongs to no connection. */
const MARK_FACT = ['', 'erasure-traces'] as const

/** How often a process checks for the note of another one. */
const CHECK_EVERY: Millis = 5 * SECOND
/** How often to try directly after an erasure. Each try waits briefly for readers. */
const TRIES = 20

/** Removes erased data from SQLite's write-ahead log. */
interface WalScrubber {
  /** Writes the note in the transaction of an erasure. */
  markErasure(transaction: Db): Promise<void>
  /**
   * Empties the log if there is a note and no reader needs the log. Never throws. `now`: checks at once, not
   * every 5 seconds.
   */
  scrub(now?: boolean): Promise<void>
  /** Since when the log may hold erased data; undefined if it holds none. */
  pendingSince(): Promise<Instant | undefined>
}

/** What a scrubber works with. */
interface WalScrubberParts {
  readonly writer: DatabaseSync
  readonly read: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  readonly write: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  readonly uuid: () => string
  readonly now: () => Instant
  /** A monotonic clock in milliseconds. Every call of the store reads it, so it must be fast. */
  readonly monotonic: () => Millis
}

/** Creates the scrubber of a database. */
export function createWalScrubber({ writer, read, write, uuid, now, monotonic }: WalScrubberParts): WalScrubber {
  let lookedAt = Number.NEGATIVE_INFINITY
  let tending: Promise<void> | undefined

  const marked = async (db: Db): Promise<ErasureMark | undefined> =>
    (await readFact(db, ...MARK_FACT)) as ErasureMark | undefined

  /** Copies the log into the database and truncates it. False while a reader needs the log. */
  function truncated(): boolean {
    if (!writer.isOpen || writer.isTransaction) return false
    return writer.prepare('pragma wal_checkpoint(truncate)').get()?.['busy'] === 0
  }

  async function scrubbed(tries: number): Promise<void> {
    const mark = await read(marked)
    if (!mark) return
    for (let left = tries; !truncated(); left -= 1) {
      if (left <= 1) return
      await turn()
    }
    // The note of an erasure in the meantime stays.
    await write(async (db) => {
      if ((await marked(db))?.id === mark.id) await writeFact(db, ...MARK_FACT, undefined)
    })
  }

  return {
    async markErasure(transaction) {
      const since = (await marked(transaction))?.since ?? now()
      const mark: ErasureMark = { id: uuid(), since }
      await writeFact(transaction, ...MARK_FACT, mark)
    },
    async scrub(atOnce = false) {
      const at = monotonic()
      if (!atOnce && at - lookedAt < CHECK_EVERY) return
      lookedAt = at
      // If the disk is full or fails, the note stays, and the next check tries again.
      const next = (tending ?? Promise.resolve()).then(() => scrubbed(atOnce ? TRIES : 1)).catch(() => {})
      tending = next
      await next
    },
    pendingSince: async () => (await read(marked))?.since,
  }
}
