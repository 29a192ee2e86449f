/**
 * Several keepers on one store, and many sessions that fall due together: `npm run keepers -- --keepers 4 --sessions 10000`.
 * Exits with 0 only when every session was renewed by exactly one request.
 */
import { parseArgs } from 'node:util'
import { CONNECTION, scene } from './scene.ts'
import { crew } from './crew.ts'
import { luck } from './luck.ts'

export interface Gathering {
  readonly keepers: number
  readonly sessions: number
  /** Life of the tokens in seconds; the last third of it is for renewing. */
  readonly life: number
}

export interface Tally {
  readonly sessions: number
  readonly renewed: number
  /** Requests to refresh that upstream met. */
  readonly calls: number
  /** Sessions that took more than one request. */
  readonly twice: number
  /** From the first refresh to the last, in seconds. */
  readonly seconds: number
}

export async function gathering({ keepers, sessions, life }: Gathering, say: (line: string) => void): Promise<Tally> {
  const here = await scene({ guests: sessions, lives: [life, life] }, luck(1))
  const workers = crew(here.cwd, here.env)
  try {
    say(`${sessions} sessions are live; ${keepers} keepers start`)
    for (let one = 0; one < keepers; one += 1) workers.start(['keep'], [])
    for (let renewed = 0; renewed < sessions; renewed = await renewedOf(here.store)) {
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    await workers.killAll()
    const met = here.upstream.journal().filter(({ operation }) => operation === 'refresh')
    const calls = Map.groupBy(met, ({ guestId }) => guestId)
    const times = met.map(({ at }) => Date.parse(at))
    const first = times.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY)
    const last = times.reduce((most, at) => Math.max(most, at), 0)
    return {
      sessions,
      renewed: await renewedOf(here.store),
      calls: met.length,
      twice: [...calls.values()].filter(({ length }) => length > 1).length,
      seconds: (last - first) / 1_000,
    }
  } finally {
    await workers.killAll()
    await here.close()
  }
}

async function renewedOf(store: Awaited<ReturnType<typeof scene>>['store']): Promise<number> {
  let renewed = 0
  for (let after: string | undefined; ; ) {
    const page = await store.list(CONNECTION, {
      kind: 'guest',
      limit: 1_000,
      ...(after === undefined ? {} : { after }),
    })
    renewed += page.credentials.filter(({ generation }) => generation > 1).length
    if (page.next === undefined) return renewed
    after = page.next
  }
}

export const isRight = ({ sessions, renewed, calls, twice }: Tally): boolean =>
  renewed === sessions && calls === sessions && twice === 0

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
    `${tally.renewed} of ${tally.sessions} sessions renewed by ${order.keepers} keepers in ${tally.seconds} s: ${tally.calls} requests, ${tally.twice} sessions by more than one`,
  )
  process.exitCode = isRight(tally) ? 0 : 1
}
