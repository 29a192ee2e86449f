import { setImmediate as turn } from 'node:timers/promises'
import type { Millis } from '@guestpass/core/store-kit'
import type { Db } from './database.ts'

interface Job {
  readonly work: (db: Db) => Promise<unknown>
  readonly urgent: boolean
  readonly order: string
  readonly isolated: boolean
  readonly mayBeLost: boolean
  /** How long its caller still waits, in milliseconds. */
  readonly left: () => Millis
  readonly resolve: (value: unknown) => void
  readonly reject: (thrown: unknown) => void
}

/** The most jobs of one transaction. More would hold the write lock for too long. */
const MAX_GROUP = 256

/** What a group commit works with. */
interface GroupCommitParts {
  /**
   * Runs work in a transaction, and resolves when that is durable. May run the work more than once. `jobs`: how
   * many jobs share the transaction. `left`: how long the first of their callers still waits. `mayBeLost`: all of
   * the jobs may be lost, so that it need not be durable.
   */
  readonly transact: <T>(
    work: (transaction: Db) => Promise<T>,
    jobs: number,
    left: () => Millis,
    mayBeLost: boolean,
  ) => Promise<T>
  /** Begins the time that a caller waits. Default: callers wait for any time. */
  readonly begin?: () => () => Millis
  /** The database takes statements before it has answered earlier ones. Default false. */
  readonly isPipelined?: boolean
  /** Runs at the end of each transaction. */
  readonly finish: (transaction: Db) => Promise<void>
  /** The commit writes what jobs have recorded, so that one of them may make it fail. Default false. */
  readonly isCommitOfJobs?: boolean
  /** Whether an error ends all jobs, because none of them caused it, such as a server that is gone. Default: none. */
  readonly isOutage?: (thrown: unknown) => boolean
  /**
   * The error of jobs that could not begin, because a transaction before them met an error that may pass. Undefined:
   * they can begin. Default: they can.
   */
  readonly blocked?: (thrown: unknown) => unknown
  /** Frees reserved space after a failure of urgent work. True if a second try may succeed. Default: none is reserved. */
  readonly freeSpace?: (thrown: unknown) => Promise<boolean>
}

interface JobOptions {
  /** May use reserved space. Default false. */
  readonly urgent?: boolean
  /** Jobs of a transaction run in this order, which is the order of their rows. Default: the order of the calls. */
  readonly order?: string
  /** No statement of another job may run between those of the job. Default false. */
  readonly isolated?: boolean
  /** Need not be durable. Default false. */
  readonly mayBeLost?: boolean
}

/** Runs writes, several in one transaction. */
interface GroupCommit {
  /** Runs a job and resolves when it is durable. If a shared transaction fails, the job may run again. */
  run<T>(work: (db: Db) => Promise<T>, options?: JobOptions): Promise<T>
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

async function runInOrder(transaction: Db, jobs: readonly Job[]): Promise<readonly unknown[]> {
  const all: unknown[] = []
  for (const { work } of jobs) all.push(await work(transaction))
  return all
}

/**
 * Runs jobs side by side, so that their statements share round trips. Those of one order run one after another,
 * because they are for the same row.
 */
async function runPipelined(transaction: Db, jobs: readonly Job[]): Promise<readonly unknown[]> {
  const values = new Map<Job, unknown>()
  const chains = [...Map.groupBy(jobs, ({ order }) => order).values()]
  const run = async (chain: readonly Job[]): Promise<void> => {
    for (const job of chain) values.set(job, await job.work(transaction))
  }
  const isAlone = (chain: readonly Job[]): boolean => chain.some(({ isolated }) => isolated)
  // All of them, because no statement may come after the rollback of the transaction.
  const ends = await Promise.allSettled(chains.filter((chain) => !isAlone(chain)).map(run))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  for (const chain of chains.filter(isAlone)) await run(chain)
  return jobs.map((job) => values.get(job))
}

async function runTransaction(parts: GroupCommitParts, jobs: readonly Job[]): Promise<TransactionResult> {
  let by: 'jobs' | 'database' = 'database'
  try {
    const work = async (transaction: Db): Promise<readonly unknown[]> => {
      by = 'jobs'
      const all = await (parts.isPipelined === true ? runPipelined : runInOrder)(transaction, jobs)
      await parts.finish(transaction)
      if (parts.isCommitOfJobs !== true) by = 'database'
      return all
    }
    const left = (): Millis => Math.min(...jobs.map((job) => job.left()))
    const mayBeLost = jobs.every((job) => job.mayBeLost)
    const values = await parts.transact(work, jobs.length, left, mayBeLost)
    return { values }
  } catch (thrown) {
    return { thrown, by: parts.isOutage?.(thrown) === true ? 'database' : by }
  }
}

/** What blocks the database: the error of the last transaction, if it may pass. */
interface Blockage {
  thrown: unknown
}

const isLate = (job: Job): boolean => job.left() <= 0

/** Rejects jobs that waited until a blockage ended, and whose callers have no time left. Returns the others. */
function withTimeLeft(jobs: readonly Job[], { thrown }: Blockage): readonly Job[] {
  if (thrown === undefined) return jobs
  for (const { reject } of jobs.filter(isLate)) reject(thrown)
  return jobs.filter((job) => !isLate(job))
}

async function runTogether(parts: GroupCommitParts, all: readonly Job[], blockage: Blockage): Promise<void> {
  const jobs = withTimeLeft(all, blockage)
  if (jobs.length === 0) return
  let outcome = await runTransaction(parts, jobs)
  const urgent = jobs.some((job) => job.urgent)
  const relieved = 'thrown' in outcome && urgent && (await parts.freeSpace?.(outcome.thrown)) === true
  if (relieved) outcome = await runTransaction(parts, jobs)
  blockage.thrown = 'thrown' in outcome ? parts.blocked?.(outcome.thrown) : undefined
  if ('values' in outcome) {
    for (const [at, { resolve }] of jobs.entries()) resolve(outcome.values[at])
  } else if (jobs.length > 1 && (outcome.by === 'jobs' || relieved)) {
    // One job failed, or there is space for some of them only. Each runs alone, the urgent ones first.
    for (const job of jobs.toSorted((a, b) => Number(b.urgent) - Number(a.urgent)))
      await runTogether(parts, [job], blockage)
  } else if (outcome.thrown === blockage.thrown && jobs.some(isLate)) {
    await runTogether(parts, jobs, blockage)
  } else {
    for (const { reject } of jobs) reject(outcome.thrown)
  }
}

const byOrder = (one: Job, other: Job): number => Number(one.order > other.order) - Number(one.order < other.order)

/**
 * Creates a group commit: jobs of successive turns of the event loop share a transaction, because each commit
 * waits for the disk. Each job succeeds or fails alone.
 */
export function createGroupCommit(parts: GroupCommitParts): GroupCommit {
  const waiting: Job[] = []
  const blockage: Blockage = { thrown: undefined }
  let draining: Promise<void> | undefined

  /** Waits a turn, and further ones while each brings more jobs. */
  const gathered = async (): Promise<void> => {
    for (let before = 0; before < waiting.length && waiting.length < MAX_GROUP; ) {
      before = waiting.length
      await turn()
    }
  }

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      await gathered()
      await runTogether(parts, waiting.splice(0, MAX_GROUP).sort(byOrder), blockage)
    }
    draining = undefined
  }

  return {
    run: <T>(
      work: (db: Db) => Promise<T>,
      { urgent = false, order = '', isolated = false, mayBeLost = false }: JobOptions = {},
    ) =>
      new Promise<T>((resolve, reject) => {
        const left = parts.begin?.() ?? (() => Number.POSITIVE_INFINITY)
        waiting.push({ work, urgent, order, isolated, mayBeLost, left, resolve: resolve as Job['resolve'], reject })
        draining ??= drain()
      }),
    idle: async () => draining,
  }
}
