import { setImmediate as turn } from 'node:timers/promises'
import type { DatabaseSync } from 'node:sqlite'
import { type Instant, type Millis, SECOND } from '@guestpass/core/store-kit'
import type { Db } from '../sql/database.ts'
import { readFact, writeFact } from '../sql/facts.ts'

/**
 * Says in the store that SQLite's log may still hold what was erased. It is written with the erasure, so that whichever process comes
 * next knows of it, also after a kill.
 */
interface ErasureMark {
  readonly id: string
  /** When the first erasure was whose traces may be left. */
  readonly since: Instant
}

/** Facts of the store itself are of no connection. */
const MARK_FACT = ['', 'erasure-traces'] as const

/** How often a process looks for the mark of another one. */
const CHECK_EVERY: Millis = 5 * SECOND
/** Tries directly after an erasure; each waits for readers for up to a time slice. */
const TRIES = 20

export interface WalScrubber {
  /** Notes in the transaction of an erasure that it leaves traces. */
  markErasure(transaction: Db): Promise<void>
  /** Removes what is left, if there is a mark and no reader holds it. Never throws. `now`: without waiting for the next look. */
  scrub(now?: boolean): Promise<void>
  /** Since when traces are left; undefined when there are none. */
  pendingSince(): Promise<Instant | undefined>
}

export interface WalScrubberParts {
  readonly writer: DatabaseSync
  readonly read: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  readonly write: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  readonly uuid: () => string
  readonly now: () => Instant
  /** Milliseconds of a clock that is never set. It is read at every call of the store, so that it must cost little. */
  readonly monotonic: () => Millis
}

export function createWalScrubber({ writer, read, write, uuid, now, monotonic }: WalScrubberParts): WalScrubber {
  let lookedAt = Number.NEGATIVE_INFINITY
  let tending: Promise<void> | undefined

  const marked = async (db: Db): Promise<ErasureMark | undefined> =>
    (await readFact(db, ...MARK_FACT)) as ErasureMark | undefined

  /** Moves the log into the file and cuts it to nothing; false while a reader needs what is in it. */
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
    // Another erasure may have come meanwhile: its mark stays.
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
      // A full or failing disk, as it may be: the mark stays, and the next look tries again.
      const next = (tending ?? Promise.resolve()).then(() => scrubbed(atOnce ? TRIES : 1)).catch(() => {})
      tending = next
      await next
    },
    pendingSince: async () => (await read(marked))?.since,
  }
}
