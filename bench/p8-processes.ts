/**
 * P8: one, two and four processes of the service on one PostgreSQL, each with a share of a processor, and commits that take 5 ms:
 * renewals a second over those of one process, and upstream calls for each renewal.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { nodePorts } from '@guestpass/core/node'
import { type Instant, SECOND } from '@guestpass/core/store-kit'
import { type CpuGroup, cpuGroup } from './cpu-group.ts'
import { encryptionKey } from './embedded-store.ts'
import { type Instance, startInstance, type UpstreamProcess, upstreamProcess } from './instances.ts'
import { addSessions } from './live-sessions.ts'
import { isQuick, measure } from './measure.ts'
import { benchPostgresStore, benchServer, NO_POSTGRES, serverCpu } from './postgres.ts'
import { median } from './race.ts'
import type { PostgresServer } from '../tools/postgres/server.ts'
import type { Line, Sheet } from './sheet.ts'
import { type SlowCommits, slowCommits } from './slow-commits.ts'
import { atLeast, atMost } from './targets.ts'

/** Of a processor, for each process: PostgreSQL, the upstream and the proxy need the rest of two. */
const SHARE = 0.12
const COMMIT_MS = 5
const COUNTS = [1, 2, 4] as const
const ROUNDS = isQuick ? 1 : 3
/**
 * The time on the processors that each process uses before its limit, so that its code is compiled. Not a time by the
 * clock, in which each of four processes would run, and compile, less than one alone. Microseconds.
 */
const WARM_CPU = 3_000_000
/** How often it is looked at, and how long at most. */
const WARM_POLL_MS = 100
const WARM_MOST_MS = 60 * SECOND
/** With the limit, before it counts. */
const SETTLE_MS = 2 * SECOND
const MEASURED_MS = isQuick ? 5 * SECOND : 8 * SECOND
/** Sessions that are due for each process: more than it can renew. */
const DUE = isQuick ? 2_500 : 3_000

const title = 'P8 processes of the service on one PostgreSQL'
const ports = nodePorts()

interface Run {
  readonly perSecond: number
  readonly callsPerRenewal: number
  /** The time of each renewal on the processors: of the processes, and of the server. In microseconds. */
  readonly cpu: number
  readonly serverCpu: number
}

interface Parts {
  readonly server: PostgresServer
  readonly proxy: SlowCommits
  readonly upstream: UpstreamProcess
  readonly key: string
}

/** Sessions that were renewed in a database. */
async function renewedIn(server: PostgresServer, database: string): Promise<number> {
  const [row] = await server.run(
    "select count(*)::int as renewed from credentials where kind = 'guest' and generation > 1",
    database,
  )
  return Number(row?.['renewed'])
}

const cpuOf = async (instances: readonly Instance[]): Promise<number> => {
  const used = await Promise.all(instances.map((one) => one.usage()))
  return used.reduce((sum, { cpu }) => sum + cpu, 0)
}

/** Waits until each process has run for long enough. */
async function warm(instances: readonly Instance[]): Promise<void> {
  const leastUsed = async () =>
    Math.min(...(await Promise.all(instances.map((one) => one.usage()))).map(({ cpu }) => cpu))
  const started = performance.now()
  while ((await leastUsed()) < WARM_CPU) {
    if (performance.now() - started > WARM_MOST_MS)
      throw new Error('the processes do not get the time to compile their code')
    await sleep(WARM_POLL_MS)
  }
}

let databases = 0

/** So many processes renew sessions that are due, each within its group. */
async function run(parts: Parts, groups: readonly CpuGroup[]): Promise<Run> {
  const { server, proxy, upstream, key } = parts
  databases += 1
  const database = `run${databases}`
  await server.run(`create database ${database}`)
  const ids = Array.from({ length: DUE * groups.length }, () => ports.random.uuid())
  await upstream.prepare(ids)
  const direct = await benchPostgresStore(ports, { url: server.url(database), key })
  const due: Instant = Date.now()
  await addSessions(direct, ids, () => due)
  await direct.close()
  await server.run('analyze', database)
  const before = await upstream.asked()
  const url = proxy.url.replace(/\/postgres$/, `/${database}`)
  const instances = await Promise.all(groups.map(() => startInstance(upstream, { url, key })))
  await warm(instances)
  for (const [at, { pid }] of instances.entries()) groups[at]?.add(pid)
  await sleep(SETTLE_MS)
  const [used, usedByServer, from, started] = [
    await cpuOf(instances),
    serverCpu(server),
    await renewedIn(server, database),
    performance.now(),
  ]
  await sleep(MEASURED_MS)
  const renewed = (await renewedIn(server, database)) - from
  const perSecond = (renewed / (performance.now() - started)) * SECOND
  const [cpu, cpuOfServer] = [(await cpuOf(instances)) - used, serverCpu(server) - usedByServer]
  await Promise.all(instances.map((one) => one.stop()))
  const after = await upstream.asked()
  const inAll = await renewedIn(server, database)
  if (inAll >= ids.length) throw new Error('all sessions were renewed before the end: DUE is too low for this machine')
  const asked = after.refreshes - before.refreshes
  if (after.guests - before.guests !== inAll) throw new Error('a guest was asked for and not renewed')
  await server.run(`drop database ${database} with (force)`)
  return { perSecond, callsPerRenewal: asked / inAll, cpu: cpu / renewed, serverCpu: cpuOfServer / renewed }
}

/** Groups for the most processes, or why there are none. */
function makeGroups(): readonly CpuGroup[] | string {
  const groups: CpuGroup[] = []
  for (let at = 0; at < COUNTS[2]; at += 1) {
    const group = cpuGroup(String(at), SHARE)
    if (typeof group === 'string') {
      for (const one of groups) one.remove()
      return group
    }
    groups.push(group)
  }
  return groups
}

const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits))

function sheetOf(runs: ReadonlyMap<number, readonly Run[]>): Sheet {
  const of = (count: number): readonly Run[] => runs.get(count) ?? []
  // Ratios of each round, so that a change in the machine's load falls on both sides.
  const times = (count: number): number =>
    rounded(median(of(count).map(({ perSecond }, round) => perSecond / (of(1)[round]?.perSecond ?? Number.NaN))))
  const calls = Math.max(...COUNTS.flatMap((count) => of(count).map(({ callsPerRenewal }) => callsPerRenewal)))
  const lines = COUNTS.map((count): Line => {
    const each = of(count)
    return {
      name: 'Guestpass',
      does: `${count} ${count === 1 ? 'process' : 'processes'}, each with ${SHARE * 100} % of a processor`,
      ours: true,
      values: [
        rounded(median(each.map(({ perSecond }) => perSecond)), 1),
        times(count),
        Math.max(...each.map(({ callsPerRenewal }) => callsPerRenewal)),
        Math.round(median(each.map(({ cpu }) => cpu))),
        Math.round(median(each.map((one) => one.serverCpu))),
      ],
    }
  })
  return {
    title,
    headings: ['renewals/s', 'times one process', 'upstream calls for each', 'µs of processor', 'µs of the server'],
    lines,
    targets: [
      atLeast(`${title}: times one process, 2 processes`, times(2), 1.8),
      atLeast(`${title}: times one process, 4 processes`, times(4), 3.4),
      atMost(`${title}: upstream calls for a renewal`, calls, 1),
    ],
    summary: [
      {
        measure: `${title}, commits of ${COMMIT_MS} ms: renewals/s with 1, 2, 4 (times one)`,
        ours: lines.map(({ values }) => `${values[0]} (${values[1]} x)`).join(', '),
        best: '–',
      },
    ],
  }
}

const skipped = (why: string): Sheet => ({ title, headings: [], lines: [], targets: [], skipped: `skipped: ${why}` })

async function measured(server: PostgresServer, groups: readonly CpuGroup[]): Promise<Sheet> {
  const upstream = await upstreamProcess()
  const proxy = await slowCommits(server, COMMIT_MS)
  const parts = { server, proxy, upstream, key: encryptionKey() }
  const runs = new Map<number, Run[]>(COUNTS.map((count) => [count, []]))
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? COUNTS : COUNTS.toReversed()
    for (const count of order) {
      runs.get(count)?.push(await run(parts, groups.slice(0, count)))
    }
  }
  proxy.close()
  await upstream.end()
  return sheetOf(runs)
}

await measure(async () => {
  const groups = makeGroups()
  if (typeof groups === 'string') return [skipped(groups)]
  const server = await benchServer()
  try {
    return [server ? await measured(server, groups) : skipped(NO_POSTGRES)]
  } finally {
    await server?.stop()
    for (const group of groups) group.remove()
    await ports.close()
  }
})
