import { setImmediate as turn } from 'node:timers/promises'
import type { Db } from './database.ts'

interface Job {
  readonly work: (db: Db) => Promise<unknown>
  readonly urgent: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (thrown: unknown) => void
}

/** More would hold the lock for longer than other processes like to wait. */
const MAX_GROUP = 256

export interface GroupCommitParts {
  readonly db: Db
  /** Writes what the jobs of one transaction have left to its end. */
  readonly finish: (transaction: Db) => Promise<void>
  /** Makes room for urgent work after a failure; true when it may succeed now. */
  readonly freeSpace: (thrown: unknown) => Promise<boolean>
}

export interface GroupCommit {
  /** Runs a job, and resolves when it is on the disk. It may be run again when the transaction that it shared has failed. */
  run<T>(work: (db: Db) => Promise<T>, urgent?: boolean): Promise<T>
  /** Resolves when no job waits any more. */
  idle(): Promise<void>
}

/** What a transaction has come to: the answers of its jobs, or what failed, and whether the jobs failed or the database. */
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
    // One of them is at fault, or there is room for some but not for all: each by itself, the urgent ones first.
    for (const job of jobs.toSorted((a, b) => Number(b.urgent) - Number(a.urgent))) await runTogether(parts, [job])
  } else {
    for (const { reject } of jobs) reject(outcome.thrown)
  }
}

/**
 * Writes one transaction for all jobs that come in one turn of the event loop, because a commit waits for the disk and many
 * may wait together. Each job succeeds, conflicts or fails on its own.
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
