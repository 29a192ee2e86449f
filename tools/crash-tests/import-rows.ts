/**
 * `guest import` of many rows in a bounded heap: `npm run import-rows -- --rows 100000 --heap 64`. The process may keep no more than
 * so many MiB alive (V8 ends it otherwise), so that whatever grew with the rows would end it. Exits with 0 only when every row became a guest.
 */
import { createWriteStream, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { sandbox } from '@guestpass/sandbox'
import { processPool, type Ended } from './process-pool.ts'

export interface Bulk {
  readonly rows: number
  /** MiB that may live in the heap. */
  readonly heap: number
  /** A fault that must be found: memory that grows with the rows. */
  readonly bug?: 'retains' | undefined
}

export interface Imported {
  readonly exit: number | null
  readonly done: number
  readonly failed: number
  readonly seconds: number
  /** Resident memory in MiB after each tenth of the time; empty where the system does not report it. */
  readonly resident: readonly number[]
  /** Whether V8 ended it because the heap was full. */
  readonly outOfMemory: boolean
  /** The end of what it complained of. */
  readonly complaint: string
}

const PER_MINUTE = 1_000_000
const retainModule: string = new URL('./retain-rows.ts', import.meta.url).href
/** How often memory is looked at, in milliseconds. */
const GLANCE = 100

export async function imported({ rows, heap, bug }: Bulk, say: (line: string) => void): Promise<Imported> {
  const upstream = await sandbox({ rateLimit: { perMinute: PER_MINUTE }, journalSize: 1 })
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'guestpass-import-')))
  const workers = processPool(cwd, {
    ...upstream.env,
    GENESYS_RATE_LIMIT: String(PER_MINUTE),
    NODE_OPTIONS: `--max-old-space-size=${heap}`,
  })
  try {
    await pipeline(Readable.from(lines(rows)), createWriteStream(join(cwd, 'people.csv')))
    const argv = 'guest import people.csv --api guest-tokens --scope webmessaging:guest:send --json'.split(' ')
    const begun = Date.now()
    const { child, ended } = workers.start(argv, bug === 'retains' ? [retainModule] : [])
    const looks: number[] = []
    const watching = setInterval(() => {
      const mib = residentOf(child.pid ?? 0)
      if (mib === undefined) return
      if (looks.push(mib) % 100 === 0) say(`${Math.round((Date.now() - begun) / 1_000)} s, ${mib} MiB`)
    }, GLANCE)
    const end = await ended
    clearInterval(watching)
    const at = (tenth: number): number => looks[Math.ceil((looks.length * tenth) / 10) - 1] ?? 0
    const resident = looks.length < 10 ? looks : Array.from({ length: 10 }, (_, nth) => at(nth + 1))
    return {
      ...counts(end),
      exit: end.code,
      seconds: (Date.now() - begun) / 1_000,
      resident,
      outOfMemory: /heap (limit|out of memory)/i.test(end.err),
      complaint: (end.err || end.out).slice(-400),
    }
  } finally {
    await workers.killAll()
    await upstream.close()
    rmSync(cwd, { recursive: true, force: true })
  }
}

function* lines(rows: number): Generator<string> {
  yield 'guestId,duration,_name\n'
  for (let nth = 0; nth < rows; nth += 1) yield `${crypto.randomUUID()},${600 + (nth % 3_000)},row ${nth} of the file\n`
}

function counts({ out }: Ended): { readonly done: number; readonly failed: number } {
  const { done = 0, failed = 0 } = (out === '' ? {} : JSON.parse(out)) as { done?: number; failed?: number }
  return { done, failed }
}

/** Resident memory of a process in MiB; Linux only. */
function residentOf(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? undefined : Math.round(Number(kib) / 1_024)
  } catch {
    return undefined
  }
}

export const isWhole = ({ exit, done, failed }: Imported, rows: number): boolean =>
  exit === 0 && done === rows && failed === 0

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '100000' },
      heap: { type: 'string', default: '64' },
      bug: { type: 'string' },
    },
  })
  const bug = values.bug === 'retains' ? 'retains' : undefined
  if (bug !== values.bug) throw new TypeError('--bug is retains: memory that grows with the rows')
  const order = { rows: Number(values.rows), heap: Number(values.heap), bug } as const
  const outcome = await imported(order, console.log)
  const isRight = isWhole(outcome, order.rows)
  const figures: readonly (readonly [string, number])[] = [
    ['rows', order.rows],
    ['rows that became a guest', outcome.done],
    ['rows that failed', outcome.failed],
    ['MiB of heap', order.heap],
    ['processes out of memory', outcome.outOfMemory ? 1 : 0],
    ['seconds', Math.round(outcome.seconds)],
  ]
  for (const [name, value] of figures) console.log(`${name.padEnd(32)} ${String(value).padStart(8)}`)
  console.log(`resident, MiB, after each tenth of the time: ${outcome.resident.join(' ')}`)
  console.log(isRight ? 'every row became a guest' : `FAILED: exit ${outcome.exit}. ${outcome.complaint.trim()}`)
  process.exitCode = isRight ? 0 : 1
}
