import { StatementSync } from 'node:sqlite'
import type { FollowedCommits } from './followed-commits.ts'

/** Follows the commits of this process to SQLite, by the statements that it runs. */
export function followSqlite({ begin, events, beforeCommit, afterCommit }: FollowedCommits): void {
  const follow = (sql: string, parameters: readonly unknown[]): void => {
    if (sql.startsWith('begin') || sql === 'rollback') begin()
    if (!sql.startsWith('insert into "events"')) return
    for (const value of parameters) events(typeof value === 'string' ? value : '')
  }
  for (const method of ['run', 'all'] as const) {
    const original = StatementSync.prototype[method] as (...parameters: unknown[]) => unknown
    const watched = function (this: StatementSync, ...parameters: unknown[]): unknown {
      const sql = this.sourceSQL
      if (sql !== 'commit') {
        follow(sql, parameters)
        return original.apply(this, parameters)
      }
      beforeCommit()
      const result = original.apply(this, parameters)
      afterCommit()
      return result
    }
    Object.assign(StatementSync.prototype, { [method]: watched })
  }
}
