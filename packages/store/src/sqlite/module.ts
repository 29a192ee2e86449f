import process from 'node:process'

type Sqlite = typeof import('node:sqlite')

const isNotice = (warning: unknown): boolean => String(warning).startsWith('SQLite is an experimental feature')

/**
 * Loads `node:sqlite`. Node 22 warns on first use that it is experimental; that one warning is left out, because the version
 * in use is held to our own tests. All others pass.
 */
export function sqliteModule(): Sqlite {
  const emit = process.emitWarning
  process.emitWarning = ((warning: string, ...rest: []) => {
    if (!isNotice(warning)) emit.call(process, warning, ...rest)
  }) as typeof process.emitWarning
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emit
  }
}
