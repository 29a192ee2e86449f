import type { Clock, Random } from '@guestpass/core'
import { countdown, type Millis } from '@guestpass/core/store-kit'
import type { Db } from '../sql/database.ts'
import { firstWithin, withClient, within } from './clients.ts'
import { commitWithId, settleCommit } from './commit-ids.ts'
import { type DatabaseClock, SERVER_TIME } from './database-clock.ts'
import { clientDb } from './dialect.ts'
import { isDeadlock, isOutage, mayPass, UnknownCommit } from './errors.ts'
import { lastStatements } from './last-statements.ts'
import type { NewestKeyCache } from './newest-key-cache.ts'
import type { OutageMemory } from './outage-memory.ts'
import type { PgPool } from './pool.ts'
import { repeat } from './repeat.ts'

/** What transactions work with. */
export interface TransactionParts {
  readonly pool: PgPool
  readonly clock: Clock
  readonly random: Random
  readonly databaseClock: DatabaseClock
  readonly newestKeys: NewestKeyCache
  /** How long work is repeated while other transactions are in its way, or the server is gone. Milliseconds. */
  readonly waitMs: Millis
  /** A server that takes no writes answers reads. */
  readonly outages: Readonly<Record<'reads' | 'writes', OutageMemory>>
  /** Throws `store_newer` if this version does not know the migration that a program must know. */
  readonly checkNeeded: (needed: string) => void
  /** The longest wait for a lock, in milliseconds. */
  readonly lockMs: Millis
  /** The longest time of a statement, in milliseconds. */
  readonly statementMs: Millis
  /** The longest time between two statements of a transaction, in milliseconds. */
  readonly idleMs: Millis
}

/**
 * `durable`: the commit is on the disk, and has an id; the newest data key stays the newest until then. `adds key`: the
 * same, and no other transaction seals meanwhile. `may be lost`: if the server fails; the commit does not wait for the
 * disk, and has no id.
 */
export type CommitKind = 'durable' | 'adds key' | 'may be lost'

/** A kind of transaction. */
export interface TransactionKind {
  /** The connection whose rows it changes; empty if they are of several. */
  readonly connection: string
  readonly commit: CommitKind
  /** Several jobs share it. A deadlock is then not repeated, because single jobs do not meet it. */
  readonly isShared: boolean
}

/** How long a call waits: for its own time, and not beyond that of an outage that others have met. */
function waiting({ left }: OutageMemory, own: () => Millis): () => Millis {
  return () => Math.min(own(), left())
}

/** Reads on a client. Repeats if the server is gone or other transactions are in the way. */
export const read = <T>(parts: TransactionParts, work: (db: Db) => Promise<T>): Promise<T> =>
  repeat(
    parts,
    waiting(parts.outages.reads, countdown(parts.clock, parts.waitMs)),
    (left) =>
      parts.outages.reads.during(() =>
        withClient(
          parts.pool,
          async (pooled) => {
            const client = firstWithin(pooled, left)
            await parts.databaseClock.refresh(client)
            return work(clientDb(client))
          },
          left,
        ),
      ),
    mayPass,
  )

/** Commits of all processes wait behind the lock of a new key, so that it gives way soon, and is tried again. */
const KEY_LOCK: Millis = 1_000

const NEWEST_KEY = "name = 'newest_key'"
/** What a transaction that seals reads first: the time, and the migration that a program must know. */
const FIRST = `${SERVER_TIME}, (select value from store_state where name = 'needed_migration') as needed`

/**
 * The last of the first statements of a transaction. It returns the time. Commits share the row of the newest key, and
 * a transaction that changes it would wait for ever on a busy store: a new commit joins those that share a row. The
 * lock of the table is given in the order of the requests, so that later commits wait.
 */
const firstStatements: Readonly<Record<CommitKind, string>> = {
  durable: `select value as version, ${FIRST} from store_state where ${NEWEST_KEY} for share`,
  'adds key': `lock table store_state in exclusive mode; update store_state set value = cast(cast(value as bigint) + 1 as text) where ${NEWEST_KEY} returning value as version, ${FIRST}`,
  'may be lost': `select ${SERVER_TIME}`,
}

/** SQL that sets a setting until the end of the transaction. */
const localSetting = (name: string, value: string | number): string => `set_config('${name}', '${value}', true)`

/** Further settings. */
const settingsOf: Readonly<Record<CommitKind, string>> = {
  durable: '',
  'adds key': '',
  'may be lost': `, ${localSetting('synchronous_commit', 'off')}`,
}

/**
 * The first statements of a transaction, in one round trip. Settings until its end, because a pool in front of the server
 * gives its connections to other clients afterwards. The row of the newest key is locked here and not later, because
 * two transactions that lock it twice would wait for each other.
 */
const beginText = ({ lockMs, statementMs, idleMs }: TransactionParts, { commit }: TransactionKind): string =>
  `begin; select ${localSetting('lock_timeout', commit === 'adds key' ? Math.min(lockMs, KEY_LOCK) : lockMs)}, ` +
  `${localSetting('statement_timeout', statementMs)}, ${localSetting('idle_in_transaction_session_timeout', idleMs)}` +
  `${settingsOf[commit]}; ${firstStatements[commit]}`

/** The result of a transaction. If the answer to its commit was lost, it is not known yet whether it took effect. */
interface Outcome<T> {
  readonly value: T
  /** The id of a commit whose answer was lost, and the error. */
  readonly lost?: { readonly id: string; readonly thrown: unknown }
}

/** What the first statement reads. The time alone if the commit may be lost. */
interface FirstRow {
  readonly now?: number
  readonly version?: string
  readonly needed?: string | null
}

async function runOnce<T>(
  parts: TransactionParts,
  kind: TransactionKind,
  work: (transaction: Db) => Promise<T>,
  left: () => Millis,
): Promise<Outcome<T>> {
  const id = kind.commit === 'may be lost' ? undefined : parts.random.uuid()
  let finished: { readonly value: T } | undefined
  try {
    return await withClient(
      parts.pool,
      async (pooled) => {
        const client = within(pooled, left)
        const { rows } = await client.query(beginText(parts, kind))
        const [{ now, version, needed } = {}] = rows as readonly FirstRow[]
        if (now !== undefined) parts.databaseClock.sampled(now)
        if (typeof needed === 'string') parts.checkNeeded(needed)
        const transaction = clientDb(client)
        if (version !== undefined) parts.newestKeys.give(transaction, version)
        const value = await work(transaction)
        finished = { value }
        await commitWithId(client, kind.connection, id, lastStatements(transaction, parts.databaseClock.now()))
        if (version !== undefined) await parts.newestKeys.learn(transaction, version)
        return finished
      },
      left,
    )
  } catch (thrown) {
    parts.newestKeys.forget()
    if (!finished || id === undefined || !isOutage(thrown)) throw thrown
    return { ...finished, lost: { id, thrown } }
  }
}

/**
 * Runs work in a transaction. Repeats if it meets another transaction, or the server is gone. If the answer to the
 * commit was lost, asks the server for the id of the commit. All of it ends when its caller has no time left.
 */
export async function transact<T>(
  parts: TransactionParts,
  kind: TransactionKind,
  work: (transaction: Db) => Promise<T>,
  callerLeft: () => Millis = countdown(parts.clock, parts.waitMs),
): Promise<T> {
  const { writes } = parts.outages
  const left = waiting(writes, callerLeft)
  return repeat(
    parts,
    left,
    async (leftOfTry) => {
      const { value, lost } = await writes.during(() => runOnce(parts, kind, work, leftOfTry))
      if (!lost) return value
      const settle = (leftToAsk: () => Millis) =>
        writes.during(() => settleCommit(parts.pool, kind.connection, lost.id, leftToAsk))
      const isDone = await repeat(parts, left, settle, mayPass).catch((thrown: unknown) => {
        throw new UnknownCommit(thrown)
      })
      if (isDone) return value
      throw lost.thrown
    },
    (thrown) => mayPass(thrown) && !(kind.isShared && isDeadlock(thrown)),
  )
}
