import { changeSetting, resetSetting } from '../postgres/server.ts'
import { addStandby, type FollowedDatabase, killPrimary, takeAllConnections } from './database.ts'

/** A way in which a database fails. */
export interface OutageKind {
  /** Makes ready for the outage, while the database works. */
  prepare?(database: FollowedDatabase): Promise<void>
  /** Whether the database may lose what it need not have written, such as leases. */
  readonly isCrash?: true
  /** Begins it. Returns what ends it; that resolves when the database takes writes again. */
  begin(database: FollowedDatabase, holdMs: number): Promise<() => Promise<void>>
}

const restart = (signal: 'SIGINT' | 'SIGQUIT') => ({
  async begin({ primary }: FollowedDatabase, holdMs: number) {
    const restarted = primary.restart(signal, holdMs)
    return () => restarted
  },
})

/** All ways, by name. */
export const outageKinds = {
  restart: restart('SIGINT'),
  'power cut': { ...restart('SIGQUIT'), isCrash: true },
  failover: { prepare: (database) => addStandby(database, true), begin: killPrimary, isCrash: true },
  'read-only': {
    async begin({ primary }) {
      await changeSetting(primary, 'default_transaction_read_only = on')
      return () => resetSetting(primary, 'default_transaction_read_only')
    },
  },
  'no connections': { begin: takeAllConnections },
} as const satisfies Readonly<Record<string, OutageKind>>

export type OutageName = keyof typeof outageKinds
