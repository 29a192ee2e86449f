import process from 'node:process'
import type * as Sqlite from 'node:sqlite'
import { GuestpassError } from '@guestpass/core'

const isNotice = (warning: unknown): boolean => String(warning).startsWith('SQLite is an experimental feature')

/**
 * Loads `node:sqlite`. Hides the warning of Node 22 that the module is experimental, because the tests of
 * this package cover it. Throws `store_unavailable` if this Node has no such module.
 */
export function loadNodeSqlite(): typeof Sqlite {
  // oxlint-disable-next-line typescript/unbound-method -- called on the process, and restored below
  const emit = process.emitWarning
  process.emitWarning = (warning: string | Error, ...rest: []) => {
    if (!isNotice(warning)) emit.call(process, warning, ...rest)
  }
  try {
    const found: typeof Sqlite | undefined = process.getBuiltinModule('node:sqlite')
    if (found) return found
  } finally {
    process.emitWarning = emit
  }
  const message = `Node ${process.versions.node} has no node:sqlite, which the store needs. Install Node 22.19 or newer.`
  throw new GuestpassError('store_unavailable', message)
}
