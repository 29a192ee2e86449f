/**
 * Several keepers on one store, and many sessions that fall due together: `npm run keepers -- --keepers 4 --sessions 10000`.
 * Exits with 0 only when every session was renewed, and each renewal took one request.
 */
import { parseArgs } from 'node:util'
import { CONNECTION, type TestEnvironment, testEnvironment } from './test-environment.ts'
import { processPool } from './process-pool.ts'
import { seededRandom } from './random.ts'

export interface Gathering {
  readonly keepers: number
  readonly sessions: number
  /** Life of the tokens in seconds; the last third of it is for renewing. */
  readonly life: number
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

export async function gathering({ keepers, sessions, life }: Gathering, say: (line: string) => void): Promise<Tally> {
  const here = await testEnvironment({ guests: sessions, lives: [life, life] }, seededRandom(1))
  const workers = processPool(here.cwd, { ...here.env, ...here.upstream.env })
  try {
    say(`${sessions} sessions are live; ${keepers} keepers start`)
    const started = Date.now()
    const running = Array.from({ length: keepers }, () => workers.start(['keep'], []))
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
    },
  })
  const order = { keepers: Number(values.keepers), sessions: Number(values.sessions), life: Number(values.life) }
  const tally = await gathering(order, console.log)
  console.log(
    `${tally.renewed} of ${tally.sessions} sessions renewed by ${order.keepers} keepers in ${tally.seconds} s: ${tally.renewals} renewals, ${tally.calls} requests`,
  )
  process.exitCode = isRight(tally) ? 0 : 1
}
