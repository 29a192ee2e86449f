/**
 * A module for `--import`: it sends a signal to its process at one point of a refresh. It recognises the
 * points from the statements that SQLite runs, from the messages to PostgreSQL, and from the diagnostics channels of
 * undici, so that the product needs no hook.
 */
import { writeSync } from 'node:fs'
import { followCommits } from './events/followed-commits.ts'
import { followPostgres } from './events/postgres-commits.ts'
import { followSqlite } from './events/sqlite-commits.ts'
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

const reachAtCommit = (at: FailPoint | typeof OVER): void => (at === OVER ? trace(OVER) : reach(at))
followSqlite(followCommits(of, reachAtCommit))
followPostgres(() => followCommits(of, reachAtCommit))

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
