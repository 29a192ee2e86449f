import type { DatabaseServer } from './database-server.ts'
import { type Finding, ok, warning } from './finding.ts'

const CHECK = 'failover'

/** Values of `synchronous_commit` with which a commit is on the disks of the server and of a synchronous standby. */
const SAFE: ReadonlySet<string> = new Set(['on', 'remote_apply'])
const SET_COMMIT = 'Set synchronous_commit to on, for the user and the database of Guestpass too.'

type Replication = Pick<DatabaseServer, 'synchronousCommit' | 'hasSynchronousStandby' | 'hasStandby'>

/** Whether a failover to a standby keeps what was acknowledged. */
export function failover({ synchronousCommit, hasSynchronousStandby, hasStandby }: Replication): Finding {
  if (synchronousCommit === 'off')
    return warning(
      CHECK,
      'commits are acknowledged before they are on a disk: a crash of the server loses the latest ones',
      SET_COMMIT,
    )
  if (hasSynchronousStandby)
    return SAFE.has(synchronousCommit)
      ? ok(CHECK, 'commits wait until a synchronous standby has them')
      : warning(
          CHECK,
          `commits do not wait for the disk of the synchronous standby (synchronous_commit is ${synchronousCommit}): a failover to it may lose the latest ones`,
          SET_COMMIT,
        )
  return hasStandby
    ? warning(
        CHECK,
        'the standby is not synchronous, so that commits do not wait for it: a failover to it may lose the latest ones',
        'Set synchronous_standby_names of the server to the standby.',
      )
    : warning(
        CHECK,
        'the server has no synchronous standby: if its disk is lost, so is what was written since the last backup',
        'Start a standby and set synchronous_standby_names to it, unless your provider copies the disk.',
      )
}
