/**
 * Several keepers on one store, and many sessions that fall due together: `npm run keepers -- --keepers 4 --sessions 10000`.
 * Exits with 0 only when every session was renewed, and each renewal took one request.
 */
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { CONNECTION, type TestEnvironment, testEnvironment } from './test-environment.ts'
import { processPool } from './process-pool.ts'
import { seededRandom } from './random.ts'

export interface Gathering {
  readonly keepers: number
  readonly sessions: number
  /** Life of the tokens in seconds; the last third of it is for renewing. */
  readonly life: number
  /** A fault that must be found: the last keeper works on a copy of the store, and renews what others renew. */
  readonly bug?: 'copy' | undefined
}

export interface Tally {
  readonly sessions: number
  /** Sessions that have a later token than their first. */
  readonly renewed: number
  /** Later tokens that the store counts, over all sessions: some fall due again while others are still waiting. */
  readonly renewals: number
  /** Refresh requests that the upstream received. */
  readonly calls: number
  /** Until every session was renewed, in seconds. */
  readonly seconds: number
}

export async function gathering(
  { keepers, sessions, life, bug }: Gathering,
  say: (line: string) => void,
): Promise<Tally> {
  const here = await testEnvironment({ guests: sessions, lives: [life, life] }, seededRandom(1))
  const workers = processPool(here.cwd, { ...here.env, ...here.upstream.env })
  try {
    say(`${sessions} sessions are live; ${keepers} keepers start`)
    const started = Date.now()
    const copy = bug === 'copy' ? { GUESTPASS_DATABASE_URL: copyOf(here.database) } : {}
    const running = Array.from({ length: keepers }, (_, nth) =>
      workers.start(['keep'], [], nth === keepers - 1 ? copy : {}),
    )
    while ((await generations(here.store)).filter((one) => one > 1).length < sessions) {
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    const seconds = (Date.now() - started) / 1_000
    for (const { child } of running) child.kill('SIGTERM')
    await Promise.all(running.map(({ ended }) => ended))
    const last = await generations(here.store)
    return {
      sessions,
      seconds,
      renewed: last.filter((one) => one > 1).length,
      renewals: last.reduce((sum, one) => sum + one - 1, 0),
      calls: here.upstream.journal().filter(({ operation }) => operation === 'refresh').length,
    }
  } finally {
    await workers.killAll()
    await here.close()
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
async function generations(store: TestEnvironment['store']): Promise<readonly number[]> {
  const all: number[] = []
  for (let after: string | undefined; ; ) {
    const page = await store.list(CONNECTION, {
      kind: 'guest',
      limit: 1_000,
      ...(after === undefined ? {} : { after }),
    })
    all.push(...page.credentials.map(({ generation }) => generation))
    if (page.next === undefined) return all
    after = page.next
  }
}

/** Whether every session was renewed, and each renewal took one request. */
export const isRight = ({ sessions, renewed, renewals, calls }: Tally): boolean =>
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
  const order = {
    keepers: Number(values.keepers),
    sessions: Number(values.sessions),
    life: Number(values.life),
    bug,
  } as const
  const tally = await gathering(order, console.log)
  const figures: readonly (readonly [string, number])[] = [
    ['keepers', order.keepers],
    ['sessions', tally.sessions],
    ['sessions renewed', tally.renewed],
    ['renewals', tally.renewals],
    ['requests', tally.calls],
    ['requests beyond one a renewal', Math.max(0, tally.calls - tally.renewals)],
    ['seconds', Math.round(tally.seconds)],
  ]
  for (const [name, value] of figures) console.log(`${name.padEnd(32)} ${String(value).padStart(8)}`)
  process.exitCode = isRight(tally) ? 0 : 1
}
