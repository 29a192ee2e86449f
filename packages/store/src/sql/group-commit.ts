import { setImmediate as turn } from 'node:timers/promises'
import type { Db } from './database.ts'

interface Job {
  readonly work: (db: Db) => Promise<unknown>
  readonly urgent: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (thrown: unknown) => void
}

/** The most jobs of one transaction. More would hold the write lock for too long. */
const MAX_GROUP = 256

/** What a group commit works with. */
interface GroupCommitParts {
  readonly db: Db
  /** Runs at the end of each transaction. */
  readonly finish: (transaction: Db) => Promise<void>
  /** Frees reserved space after a failure of urgent work. True if a second try may succeed. */
  readonly freeSpace: (thrown: unknown) => Promise<boolean>
}

/** Runs writes, several in one transaction. */
interface GroupCommit {
  /** Runs a job and resolves when it is durable. If a shared transaction fails, the job may run again. */
  run<T>(work: (db: Db) => Promise<T>, urgent?: boolean): Promise<T>
  /** Resolves when no job is waiting. */
  idle(): Promise<void>
}

/**
 * The result of a transaction: the values of its jobs, or the error, and whether a job or the database caused
 * it.
 */
type TransactionResult =
  | { readonly values: readonly unknown[] }
  | { readonly thrown: unknown; readonly by: 'jobs' | 'database' }

async function runTransaction({ db, finish }: GroupCommitParts, jobs: readonly Job[]): Promise<TransactionResult> {
  let by: 'jobs' | 'database' = 'database'
  try {
    const values = await db.transaction().execute(async (transaction) => {
      by = 'jobs'
      const all: unknown[] = []
      for (const { work } of jobs) all.push(await work(transaction))
      await finish(transaction)
      by = 'database'
      return all
    })
    return { values }
  } catch (thrown) {
    return { thrown, by }
  }
}

async function runTogether(parts: GroupCommitParts, jobs: readonly Job[]): Promise<void> {
  let outcome = await runTransaction(parts, jobs)
  const urgent = jobs.some((job) => job.urgent)
  const relieved = 'thrown' in outcome && urgent && (await parts.freeSpace(outcome.thrown))
  if (relieved) outcome = await runTransaction(parts, jobs)
  if ('values' in outcome) {
    for (const [at, { resolve }] of jobs.entries()) resolve(outcome.values[at])
  } else if (jobs.length > 1 && (outcome.by === 'jobs' || relieved)) {
    // One job failed, or there is space for some of them only. Each runs alone, the urgent ones first.
    for (const job of jobs.toSorted((a, b) => Number(b.urgent) - Number(a.urgent))) await runTogether(parts, [job])
  } else {
    for (const { reject } of jobs) reject(outcome.thrown)
  }
}

/**
 * Creates a group commit: all jobs of one turn of the event loop share a transaction, because each commit
 * waits for the disk. Each job succeeds or fails alone.
 */
export function createGroupCommit(parts: GroupCommitParts): GroupCommit {
  const waiting: Job[] = []
  let draining: Promise<void> | undefined

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      await turn()
      await runTogether(parts, waiting.splice(0, MAX_GROUP))
    }
    draining = undefined
  }

  return {
    run: <T>(work: (db: Db) => Promise<T>, urgent = false) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ work, urgent, resolve: resolve as Job['resolve'], reject })
        draining ??= drain()
      }),
    idle: async () => draining,
  }
}
