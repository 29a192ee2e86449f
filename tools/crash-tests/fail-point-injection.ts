/**
 * Loaded into a worker with `--import`: sends the process a signal at one point of a refresh. The points are seen from
 * outside the product: in the statements that SQLite runs, and in the diagnostics channels of undici.
 */
import { writeSync } from 'node:fs'
import { StatementSync } from 'node:sqlite'
import { type Injection, AT_POINT, OVER, type FailPoint, REACHED } from './fail-points.ts'
import { onRefresh, type Refreshing } from './refresh-traffic.ts'

const options = new URL(import.meta.url).searchParams
const point = options.get('point') as FailPoint
const signal = options.get('signal') as Injection['signal']
const of = options.get('of') as Refreshing
const traces = options.get('traces') === 'true'
let left = Number(options.get('nth'))

function trace(here: FailPoint | typeof OVER): void {
  if (traces) writeSync(2, `${AT_POINT}${here}\n`)
}

function reach(here: FailPoint): void {
  trace(here)
  if (here !== point) return
  left -= 1
  if (left !== 0) return
  writeSync(2, `${REACHED}${here}\n`)
  process.kill(process.pid, signal)
}

/** The event types that are committed with the intent of a refresh, and with its tokens. */
const markers: Readonly<Record<Refreshing, { readonly intent: string; readonly tokens: string }>> = {
  guest: { intent: '"REFRESH_INITIATED"', tokens: '"REFRESH_COMPLETED"' },
  grant: { intent: '"ACCESS_TOKEN_INITIATED"', tokens: '"ACCESS_TOKEN_RENEWED"' },
  engagements: { intent: '"REFRESH_INITIATED"', tokens: '"REFRESH_COMPLETED"' },
  create: { intent: '"GUEST_CREATE_INITIATED"', tokens: '"guest.authentication"' },
}

/** What a transaction that is not committed yet has recorded of refreshes. */
const written = new Set<'intent' | 'tokens'>()
/** Whether it has recorded another event. */
let hasOther = false

function follow(sql: string, parameters: readonly unknown[]): void {
  if (sql.startsWith('begin') || sql === 'rollback') {
    written.clear()
    hasOther = false
  }
  if (!sql.startsWith('insert into "events"')) return
  hasOther = true
  for (const value of parameters) {
    if (typeof value !== 'string') continue
    if (value.includes(markers[of].intent)) written.add('intent')
    if (value.includes(markers[of].tokens)) written.add('tokens')
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
    if (hasOther && written.size === 0) trace(OVER)
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
