/**
 * Runs `guest import` of many rows in a bounded heap: `npm run import-rows -- --rows 100000 --heap 64`. V8
 * ends the process if it keeps more than so many MiB, so that memory that grows with the rows ends it. Exits
 * with 0 only if every row became a guest.
 */
import { createWriteStream, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { sandbox } from '@guestpass/sandbox'
import { createProcessPool, type Ended } from './process-pool.ts'

interface ImportRunOptions {
  readonly rows: number
  /** The most that the old generation of the heap may hold, in MiB. */
  readonly heap: number
  /** A seeded bug: memory that grows with the rows. Default none. */
  readonly bug?: 'retains' | undefined
}

interface ImportReport {
  readonly exit: number | null
  readonly done: number
  readonly failed: number
  readonly seconds: number
  /** Resident memory in MiB after each tenth of the time; empty if the system does not report it. */
  readonly resident: readonly number[]
  /** Whether V8 ended the process because the heap was full. */
  readonly outOfMemory: boolean
  /** The end of standard error, or of standard output if that is empty. */
  readonly errorText: string
}

const PER_MINUTE = 1_000_000
const retainModule: string = new URL('./retain-rows.ts', import.meta.url).href
/** Time between two readings of the memory, in milliseconds. */
const SAMPLE_MS = 100

export async function runImport(
  { rows, heap, bug }: ImportRunOptions,
  print: (line: string) => void,
): Promise<ImportReport> {
  const upstream = await sandbox({ rateLimit: { perMinute: PER_MINUTE }, journalSize: 1 })
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'guestpass-import-')))
  const pool = createProcessPool(cwd, {
    ...upstream.env,
    GENESYS_RATE_LIMIT: String(PER_MINUTE),
    NODE_OPTIONS: `--max-old-space-size=${heap}`,
  })
  try {
    await pipeline(Readable.from(rowTexts(rows)), createWriteStream(join(cwd, 'people.csv')))
    const argv = 'guest import people.csv --api guest-tokens --scope webmessaging:guest:send --json'.split(' ')
    const startedAt = Date.now()
    const { child, ended } = pool.start(argv, bug === 'retains' ? [retainModule] : [])
    const samples: number[] = []
    const sampling = setInterval(() => {
      const mib = residentMib(child.pid ?? 0)
      if (mib === undefined) return
      if (samples.push(mib) % 100 === 0) print(`${Math.round((Date.now() - startedAt) / 1_000)} s, ${mib} MiB`)
    }, SAMPLE_MS)
    const end = await ended
    clearInterval(sampling)
    const at = (tenth: number): number => samples[Math.ceil((samples.length * tenth) / 10) - 1] ?? 0
    const resident = samples.length < 10 ? samples : Array.from({ length: 10 }, (_, nth) => at(nth + 1))
    return {
      ...counts(end),
      exit: end.code,
      seconds: (Date.now() - startedAt) / 1_000,
      resident,
      outOfMemory: /heap (limit|out of memory)/i.test(end.err),
      errorText: (end.err || end.out).slice(-400),
    }
  } finally {
    await pool.killAll()
    await upstream.close()
    rmSync(cwd, { recursive: true, force: true })
  }
}

function* rowTexts(rows: number): Generator<string> {
  yield 'guestId,duration,_name\n'
  for (let nth = 0; nth < rows; nth += 1) yield `${crypto.randomUUID()},${600 + (nth % 3_000)},row ${nth} of the file\n`
}

function counts({ out }: Ended): { readonly done: number; readonly failed: number } {
  const { done = 0, failed = 0 } = (out === '' ? {} : JSON.parse(out)) as { done?: number; failed?: number }
  return { done, failed }
}

/** Resident memory of a process in MiB; Linux only. */
function residentMib(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? undefined : Math.round(Number(kib) / 1_024)
  } catch {
    return undefined
  }
}

export const isComplete = ({ exit, done, failed }: ImportReport, rows: number): boolean =>
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
  const options = { rows: Number(values.rows), heap: Number(values.heap), bug } as const
  const result = await runImport(options, console.log)
  const isRight = isComplete(result, options.rows)
  const figures: readonly (readonly [string, number])[] = [
    ['rows', options.rows],
    ['rows that became a guest', result.done],
    ['rows that failed', result.failed],
    ['MiB of heap', options.heap],
    ['processes out of memory', result.outOfMemory ? 1 : 0],
    ['seconds', Math.round(result.seconds)],
  ]
  for (const [name, value] of figures) console.log(`${name.padEnd(32)} ${String(value).padStart(8)}`)
  console.log(`resident, MiB, after each tenth of the time: ${result.resident.join(' ')}`)
  console.log(isRight ? 'every row became a guest' : `FAILED: exit ${result.exit}. ${result.errorText.trim()}`)
  process.exitCode = isRight ? 0 : 1
}
