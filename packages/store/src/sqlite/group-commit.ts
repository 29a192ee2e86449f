import { setImmediate as turn } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Db } from '../sql/database.ts'
import { forget } from '../sql/transaction-memory.ts'

interface Job {
  readonly work: (db: Db) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (thrown: unknown) => void
}

/** More would hold the lock for longer than other processes like to wait. */
const MOST_TOGETHER = 256

/** Runs a job; tells its caller later, when it is known to be on the disk. */
async function attempt(db: Db, { work, resolve, reject }: Job): Promise<() => void> {
  await sql`savepoint job`.execute(db)
  try {
    const value = await work(db)
    await sql`release job`.execute(db)
    return () => resolve(value)
  } catch (thrown) {
    await sql`rollback to job`.execute(db)
    forget(db)
    await sql`release job`.execute(db)
    return () => reject(thrown)
  }
}

async function together(db: Db, jobs: readonly Job[]): Promise<void> {
  try {
    const outcomes = await db.transaction().execute(async (trx) => {
      const done: (() => void)[] = []
      for (const job of jobs) done.push(await attempt(trx, job))
      return done
    })
    for (const tell of outcomes) tell()
  } catch (thrown) {
    for (const { reject } of jobs) reject(thrown)
  }
}

export interface GroupCommit {
  run<T>(work: (db: Db) => Promise<T>): Promise<T>
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>
}

/**
 * Writes one transaction for all jobs that come in one turn of the event loop, because a commit waits for the disk and many
 * may wait together. Each job succeeds, conflicts or fails on its own.
 */
export function groupCommit(db: Db): GroupCommit {
  const waiting: Job[] = []
  let draining: Promise<void> | undefined

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      await turn()
      await together(db, waiting.splice(0, MOST_TOGETHER))
    }
    draining = undefined
  }

  return {
    run: <T>(work: (db: Db) => Promise<T>) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve: resolve as Job['resolve'], reject })
        draining ??= drain()
      }),
    idle: async () => draining,
  }
}
