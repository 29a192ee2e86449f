import { StatementSync } from 'node:sqlite'
import { Client } from 'pg'

let statements = 0
let messages = 0

/** How many SQL statements this process has run so far, those that begin and end transactions included. */
export const statementsRun = (): number => statements

/** How many messages with statements this process has sent to PostgreSQL so far. A message may hold several. */
export const messagesSent = (): number => messages

for (const name of ['all', 'run', 'get', 'iterate'] as const) {
  const original = StatementSync.prototype[name] as (...args: unknown[]) => unknown
  Object.assign(StatementSync.prototype, {
    [name](this: StatementSync, ...args: unknown[]) {
      statements += 1
      return original.apply(this, args)
    },
  })
}

/** No text of a statement of the store has a semicolon in a literal. */
const countIn = (text: string): number => text.split(';').filter((part) => part.trim() !== '').length

const original = Client.prototype.query as (...args: unknown[]) => unknown
Object.assign(Client.prototype, {
  query(this: Client, ...args: unknown[]) {
    const [asked] = args
    const text = typeof asked === 'string' ? asked : (asked as { readonly text?: string }).text
    statements += countIn(text ?? '')
    messages += 1
    return original.apply(this, args)
  },
})
