import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessPool } from '../process-pool.ts'
import type { SeededRandom } from '../random.ts'
import { AT_POINT } from '../fail-points.ts'
import { certificate } from './certificate.ts'
import type { EventClass, EventPlan } from './event-plan.ts'
import { faultsOf, type NetworkLink, networkLink, tlsFront, type UnsentFault, UPSTREAM_NAME } from './network.ts'
import { type SmallDisk, smallDisk } from './small-disk.ts'

/** What workers share besides the upstream and the store: the network between, and the disk below. */
export interface SharedFaults {
  /** The folder for the store. */
  readonly folder: string
  /** The variables of one worker, which lead it to the upstream. */
  env(random: SeededRandom): Readonly<Record<string, string>>
  /** Applies the planned faults of network and disk; resolves when all are done or the run is over. */
  injectSharedFaults(run: SharedFaultRun): Promise<void>
  close(): Promise<void>
}

export interface SharedFaultRun {
  readonly plan: EventPlan
  readonly random: SeededRandom
  readonly pool: ProcessPool
  /** The file of the store. */
  readonly database: string
  readonly isOver: () => boolean
  /** Is called with each fault before the send, and how many connections it affected. */
  readonly onUnsent: (kind: UnsentFault, affected: number) => void
}

/** A run that lasts until it is over. */
export interface RunState {
  readonly pool: ProcessPool
  readonly plan: EventPlan
  readonly environment: { readonly around: SharedFaults; readonly database: string }
  isOver: boolean
  /** Resolves when it is over. */
  readonly over: PromiseWithResolvers<void>
}

export function end(run: RunState): void {
  run.isOver = true
  run.over.resolve()
}

/** Applies the faults of network and disk to a run until it is over. */
export const injectSharedFaults = (
  run: RunState,
  random: SeededRandom,
  onUnsent: SharedFaultRun['onUnsent'] = () => {},
): Promise<void> => {
  const { plan, pool, environment } = run
  return environment.around.injectSharedFaults({
    plan,
    random,
    pool,
    database: environment.database,
    isOver: () => run.isOver,
    onUnsent,
  })
}

const LINES = ['direct', 'tunnel', 'direct', 'tunnel'] as const

/** `upstream`: the base URL of a server of plain HTTP, and the variables that name it. */
export async function sharedFaults(
  cwd: string,
  upstream: { readonly url: string; readonly env: Readonly<Record<string, string>> },
  mix: readonly EventClass[],
): Promise<SharedFaults> {
  const path = join(cwd, 'store')
  const disk = mix.includes('disk') ? smallDisk(path) : undefined
  if (!disk) mkdirSync(path)
  const network = mix.includes('unsent') ? await lines(cwd, upstream) : undefined
  return {
    folder: path,
    env: (random) => network?.env(random) ?? upstream.env,
    async injectSharedFaults(run) {
      const all = [
        ...(network?.lines ?? []).map((one, nth) => failing(one, { ...run, random: run.random.fork(`line ${nth}`) })),
        ...(disk ? [filling(disk, { ...run, random: run.random.fork('disk') })] : []),
      ]
      await Promise.all(all)
    },
    async close() {
      await network?.close()
      disk?.close()
    },
  }
}

async function lines(
  cwd: string,
  { url, env }: { readonly url: string; readonly env: Readonly<Record<string, string>> },
) {
  const own = certificate(UPSTREAM_NAME, '127.0.0.1')
  const trusted = join(cwd, 'trusted.pem')
  writeFileSync(trusted, own.cert)
  const front = await tlsFront(Number(new URL(url).port), own)
  const all: readonly NetworkLink[] = await Promise.all(LINES.map((route) => networkLink(route, front.port)))
  const [first] = all
  if (!first) throw new Error('there are no lines')
  return {
    lines: all,
    env(random: SeededRandom) {
      const { url: through, variables } = random.pick([first, ...all.slice(1)])
      const moved = Object.entries(env).map(([name, value]) => [name, value.replace(url, through)] as const)
      return { ...Object.fromEntries(moved), ...variables, NODE_EXTRA_CA_CERTS: trusted }
    },
    async close() {
      await Promise.all(all.map((one) => one.close()))
      front.close()
    },
  }
}

/** Between two faults, and how long one lasts; milliseconds. Longer than a connect time-out, now and then. */
const CALM_MS: readonly [number, number] = [200, 1_000]
const FAULT_MS: readonly [number, number] = [200, 3_500]

/** One fault before the send after another on a line. */
async function failing(one: NetworkLink, { plan, random, isOver, onUnsent }: SharedFaultRun): Promise<void> {
  while (!isOver() && plan.begin(random, ['unsent'])) {
    await sleep(random.between(...CALM_MS))
    const kind = random.pick(faultsOf(one.route))
    const affected = await one.fault(kind, random.between(...FAULT_MS))
    // Where the port is closed or the SYN dropped, nothing is seen of those who tried.
    plan.end('unsent', affected > 0 || kind === 'refused' || kind === 'dropped SYN')
    onUnsent(kind, affected)
  }
}

const ROOM_MS: readonly [number, number] = [500, 3_000]
const FULL_MS: readonly [number, number] = [500, 5_000]

/** Fills the disk now and then: at random, or just when upstream is asked for something. */
async function filling(disk: SmallDisk, { plan, random, pool, database, isOver }: SharedFaultRun): Promise<void> {
  while (!isOver() && plan.begin(random, ['disk'])) {
    await sleep(random.between(...ROOM_MS))
    if (random.whole(0, 1) === 1) await Promise.race([pool.said(`${AT_POINT}after-send`), sleep(2_000)])
    await disk.full(database, random.between(...FULL_MS))
    plan.end('disk', true)
  }
}
