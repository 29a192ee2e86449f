import process from 'node:process'
import type * as Sqlite from 'node:sqlite'
import { GuestpassError } from '@guestpass/core'

const isNotice = (warning: unknown): boolean => String(warning).startsWith('SQLite is an experimental feature')

/**
 * Loads `node:sqlite`. Node 22 warns on first use that it is experimental; that one warning is left out, because the version
 * in use is held to our own tests. All others pass. Throws `store_unavailable` where Node has no such module.
 */
export function loadNodeSqlite(): typeof Sqlite {
  // oxlint-disable-next-line typescript/unbound-method -- called on the process, and put back as it was
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
  const message = `Node ${process.versions.node} has no node:sqlite, which the store needs. Use Node 22.19 or newer.`
  throw new GuestpassError('store_unavailable', message)
}
