import { StatementSync } from 'node:sqlite'

let statements = 0

/** How many SQL statements this process has run so far, those that begin and end transactions included. */
export const statementsRun = (): number => statements

for (const name of ['all', 'run', 'get', 'iterate'] as const) {
  const original = StatementSync.prototype[name] as (...args: unknown[]) => unknown
  Object.assign(StatementSync.prototype, {
    [name](this: StatementSync, ...args: unknown[]) {
      statements += 1
      return original.apply(this, args)
    },
  })
}
