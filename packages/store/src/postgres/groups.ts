import { countdown } from '@guestpass/core/store-kit'
import type { Db, WriteOptions } from '../sql/database.ts'
import { createGroupCommit } from '../sql/group-commit.ts'
import { isOutage, mayPass, UnknownCommit } from './errors.ts'
import type { Maintenance } from './maintenance.ts'
import { type CommitKind, transact, type TransactionParts } from './transactions.ts'

type Grouped = <T>(work: (db: Db) => Promise<T>, options: Pick<WriteOptions, 'order' | 'isolated'>) => Promise<T>

/** The kind of commit of a write. */
export const commitOf = ({ mayBeLost = false, addsKey = false }: WriteOptions): CommitKind =>
  addsKey ? 'adds key' : mayBeLost ? 'may be lost' : 'durable'

/**
 * Groups the writes of a connection that are alike, so that they share a transaction. A write that waits for the
 * transaction before it waits no longer for the server in all.
 */
export function createGroups(parts: TransactionParts, { afterWrites }: Pick<Maintenance, 'afterWrites'>) {
  const groups = new Map<string, ReturnType<typeof createGroupCommit>>()
  const create = (connection: string, commit: CommitKind) =>
    createGroupCommit({
      transact: (work, jobs, left) => transact(parts, { connection, commit, isShared: jobs > 1 }, work, left),
      begin: () => countdown(parts.clock, parts.waitMs),
      finish: async (transaction) => afterWrites(transaction, parts.databaseClock.now()),
      isCommitOfJobs: true,
      isPipelined: true,
      isOutage: (thrown) => isOutage(thrown) || thrown instanceof UnknownCommit,
      blocked: (thrown) => (thrown instanceof UnknownCommit ? thrown.cause : mayPass(thrown) ? thrown : undefined),
    })
  return {
    of(connection: string, commit: CommitKind): Grouped {
      const name = `${commit} ${connection}`
      const group = groups.get(name) ?? create(connection, commit)
      groups.set(name, group)
      return (work, options) => group.run(work, options)
    },
    idle: () => Promise.all([...groups.values()].map((group) => group.idle())),
  }
}
