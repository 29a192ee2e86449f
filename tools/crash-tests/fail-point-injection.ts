/**
 * A module for `--import`: it sends a signal to its process at one point of a refresh. It recognises the
 * points from the statements that SQLite runs and from the diagnostics channels of undici, so that the
 * product needs no hook.
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

function trace(at: FailPoint | typeof OVER): void {
  if (traces) writeSync(2, `${AT_POINT}${at}\n`)
}

function reach(at: FailPoint): void {
  trace(at)
  if (at !== point) return
  left -= 1
  if (left !== 0) return
  writeSync(2, `${REACHED}${at}\n`)
  process.kill(process.pid, signal)
}

/** The event types that are committed with the intent of a refresh, and with its tokens. */
const markers: Readonly<Record<Refreshing, { readonly intent: string; readonly tokens: string }>> = {
  guest: { intent: '"REFRESH_INITIATED"', tokens: '"REFRESH_COMPLETED"' },
  grant: { intent: '"ACCESS_TOKEN_INITIATED"', tokens: '"ACCESS_TOKEN_RENEWED"' },
  engagements: { intent: '"REFRESH_INITIATED"', tokens: '"REFRESH_COMPLETED"' },
  create: { intent: '"GUEST_CREATE_INITIATED"', tokens: '"guest.authentication"' },
}

/** Which events of a refresh the open transaction has inserted. */
const written = new Set<'intent' | 'tokens'>()
/** Whether it has inserted any event. */
let hasEvents = false

function follow(sql: string, parameters: readonly unknown[]): void {
  if (sql.startsWith('begin') || sql === 'rollback') {
    written.clear()
    hasEvents = false
  }
  if (!sql.startsWith('insert into "events"')) return
  hasEvents = true
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
    for (const kind of written) reach(`before-${kind}-commit`)
    const result = original.apply(this, parameters)
    for (const kind of written) reach(`after-${kind}-commit`)
    if (hasEvents && written.size === 0) trace(OVER)
    written.clear()
    return result
  }
  Object.assign(StatementSync.prototype, { [method]: watched })
}

/** Time after the send at which the upstream is still at work, in milliseconds. */
const WHILE_RUNNING_MS = 5

onRefresh('create', () => reach('before-send'), of)
onRefresh(
  'bodySent',
  () => {
    reach('after-send')
    setTimeout(() => reach('while-running'), WHILE_RUNNING_MS)
  },
  of,
)
onRefresh('trailers', () => reach('after-answer'), of)
