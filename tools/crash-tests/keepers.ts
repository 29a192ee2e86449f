/**
 * Runs several keepers on one store with many sessions that are due together: `npm run keepers -- --keepers 4
 * --sessions 10000`. Exits with 0 only if every session was renewed, and each renewal took one request.
 */
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { CONNECTION, type TestEnvironment, createTestEnvironment } from './test-environment.ts'
import { createProcessPool } from './process-pool.ts'
import { seededRandom } from './random.ts'
import { storedGuests } from './stored-records.ts'

interface KeeperRunOptions {
  readonly keepers: number
  readonly sessions: number
  /** Lifetime of the tokens in seconds. They are due in its last third. */
  readonly life: number
  /**
   * A seeded bug: the last keeper works on a copy of the store, and renews what others renew. Default none.
   */
  readonly bug?: 'copy' | undefined
}

export interface KeeperReport {
  readonly sessions: number
  /** Sessions that have a later token than the first. */
  readonly renewed: number
  /** Renewals over all sessions: some sessions are due again while others wait. */
  readonly renewals: number
  /** Refresh requests that the upstream received. */
  readonly calls: number
  /** Time until every session was renewed, in seconds. */
  readonly seconds: number
}

export async function runKeepers(
  { keepers, sessions, life, bug }: KeeperRunOptions,
  print: (line: string) => void,
): Promise<KeeperReport> {
  const environment = await createTestEnvironment({ guests: sessions, lives: [life, life] }, seededRandom(1))
  const pool = createProcessPool(environment.cwd, { ...environment.env, ...environment.upstream.env })
  try {
    print(`${sessions} sessions are live; ${keepers} keepers start`)
    const started = Date.now()
    const copy = bug === 'copy' ? { GUESTPASS_DATABASE_URL: copyOf(environment.database) } : {}
    const running = Array.from({ length: keepers }, (_, nth) =>
      pool.start(['keep'], [], nth === keepers - 1 ? copy : {}),
    )
    while ((await generations(environment.store)).filter((one) => one > 1).length < sessions) {
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    const seconds = (Date.now() - started) / 1_000
    for (const { child } of running) child.kill('SIGTERM')
    await Promise.all(running.map(({ ended }) => ended))
    const reached = await generations(environment.store)
    return {
      sessions,
      seconds,
      renewed: reached.filter((one) => one > 1).length,
      renewals: reached.reduce((sum, one) => sum + one - 1, 0),
      calls: environment.upstream.journal().filter(({ operation }) => operation === 'refresh').length,
    }
  } finally {
    await pool.killAll()
    await environment.close()
  }
}

/** Copies a store in use; returns the path of the copy. */
function copyOf(database: string): string {
  const file = new DatabaseSync(database)
  const copy = `${database}.copy`
  file.prepare('vacuum into ?').run(copy)
  file.close()
  return copy
}

/** The generation of every session. */
const generations = async (store: TestEnvironment['store']): Promise<readonly number[]> =>
  (await storedGuests(store, CONNECTION)).map(({ generation }) => generation)

/** Whether every session was renewed, and each renewal took one request. */
export const isRight = ({ sessions, renewed, renewals, calls }: KeeperReport): boolean =>
  renewed === sessions && calls === renewals

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      keepers: { type: 'string', default: '4' },
      sessions: { type: 'string', default: '10000' },
      life: { type: 'string', default: '60' },
      bug: { type: 'string' },
    },
  })
  const bug = values.bug === 'copy' ? ('copy' as const) : undefined
  if (bug !== values.bug) throw new TypeError('--bug is copy: one keeper works on a copy of the store')
  const options = {
    keepers: Number(values.keepers),
    sessions: Number(values.sessions),
    life: Number(values.life),
    bug,
  } as const
  const report = await runKeepers(options, console.log)
  const figures: readonly (readonly [string, number])[] = [
    ['keepers', options.keepers],
    ['sessions', report.sessions],
    ['sessions renewed', report.renewed],
    ['renewals', report.renewals],
    ['requests', report.calls],
    ['requests beyond one a renewal', Math.max(0, report.calls - report.renewals)],
    ['seconds', Math.round(report.seconds)],
  ]
  for (const [name, value] of figures) console.log(`${name.padEnd(32)} ${String(value).padStart(8)}`)
  process.exitCode = isRight(report) ? 0 : 1
}
