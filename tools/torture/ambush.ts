/**
 * Loaded into a worker with `--import`: sends the process a signal at one point of a refresh. The points are seen from
 * outside the product: in the statements that SQLite runs, and in the diagnostics channels of undici.
 */
import { writeSync } from 'node:fs'
import { StatementSync } from 'node:sqlite'
import { type Ambush, AT, OVER, type Point, SIGN } from './points.ts'
import { onRefresh, type Refreshing } from './refresh-traffic.ts'

const asked = new URL(import.meta.url).searchParams
const point = asked.get('point') as Point
const signal = asked.get('signal') as Ambush['signal']
const of = asked.get('of') as Refreshing
const tells = asked.get('tells') === 'true'
let left = Number(asked.get('nth'))

function tell(here: Point | typeof OVER): void {
  if (tells) writeSync(2, `${AT}${here}\n`)
}

function reach(here: Point): void {
  tell(here)
  if (here !== point) return
  left -= 1
  if (left !== 0) return
  writeSync(2, `${SIGN}${here}\n`)
  process.kill(process.pid, signal)
}

/** The events that are committed with the intent of a refresh, and with what came of it. */
const told: Readonly<Record<Refreshing, { readonly intent: string; readonly tokens: string }>> = {
  guest: { intent: '"REFRESH_INITIATED"', tokens: '"REFRESH_COMPLETED"' },
  grant: { intent: '"ACCESS_TOKEN_INITIATED"', tokens: '"ACCESS_TOKEN_RENEWED"' },
  engagements: { intent: '"REFRESH_INITIATED"', tokens: '"REFRESH_COMPLETED"' },
  create: { intent: '"GUEST_CREATE_INITIATED"', tokens: '"guest.authentication"' },
}

/** What a transaction that is not committed yet has written down of refreshes. */
const written = new Set<'intent' | 'tokens'>()
/** Whether it has written down something else. */
let isOver = false

function follow(sql: string, parameters: readonly unknown[]): void {
  if (sql.startsWith('begin') || sql === 'rollback') {
    written.clear()
    isOver = false
  }
  if (!sql.startsWith('insert into "events"')) return
  isOver = true
  for (const value of parameters) {
    if (typeof value !== 'string') continue
    if (value.includes(told[of].intent)) written.add('intent')
    if (value.includes(told[of].tokens)) written.add('tokens')
  }
}

for (const method of ['run', 'all'] as const) {
  const original = StatementSync.prototype[method] as (...parameters: unknown[]) => unknown
  const watched = function (this: StatementSync, ...parameters: unknown[]): unknown {
    const sql = this.sourceSQL
    if (sql !== 'commit') {
      follow(sql, parameters)
      return original.apply(this, parameters)
    }
    for (const what of written) reach(`before-${what}-commit`)
    const result = original.apply(this, parameters)
    for (const what of written) reach(`after-${what}-commit`)
    if (isOver && written.size === 0) tell(OVER)
    written.clear()
    return result
  }
  Object.assign(StatementSync.prototype, { [method]: watched })
}

/** Upstream takes a little while for the work; this falls into it. */
const INTO_THE_WORK_MS = 5

onRefresh('create', () => reach('before-send'), of)
onRefresh(
  'bodySent',
  () => {
    reach('after-send')
    setTimeout(() => reach('while-running'), INTO_THE_WORK_MS)
  },
  of,
)
onRefresh('trailers', () => reach('after-answer'), of)
