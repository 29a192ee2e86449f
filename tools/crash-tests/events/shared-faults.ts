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

/** The faults that reach all workers: of the network to the upstream, and of the disk of the store. */
export interface SharedFaults {
  /** The folder for the store. */
  readonly folder: string
  /** The environment variables that lead one worker to the upstream. */
  env(random: SeededRandom): Readonly<Record<string, string>>
  /**
   * Injects the planned faults of network and disk. Resolves when all have happened or the run is over.
   * `onUnsent` is called after each fault before the send, with the number of connections that it affected.
   */
  inject(run: SharedFaultRun, random: SeededRandom, onUnsent?: OnUnsent): Promise<void>
  close(): Promise<void>
}

type OnUnsent = (kind: UnsentFault, affected: number) => void

/** What the faults need of a run. */
interface SharedFaultRun {
  readonly plan: EventPlan
  readonly pool: ProcessPool
  /** The file of the store. */
  readonly environment: { readonly database: string }
  readonly isOver: boolean
}

const ROUTES = ['direct', 'tunnel', 'direct', 'tunnel'] as const

/** `upstream`: the base URL of a plain HTTP server, and the environment variables that contain it. */
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
    async inject(run, random, onUnsent = () => {}) {
      await Promise.all([
        ...(network?.networkLinks ?? []).map((one, nth) =>
          injectUnsentFaults(one, run, random.fork(`line ${nth}`), onUnsent),
        ),
        ...(disk ? [injectFullDisks(disk, run, random.fork('disk'))] : []),
      ])
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
  const all: readonly NetworkLink[] = await Promise.all(ROUTES.map((route) => networkLink(route, front.port)))
  const [first] = all
  if (!first) throw new Error('ROUTES is empty: name at least one route.')
  return {
    networkLinks: all,
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

/** Time between two faults, in milliseconds. */
const QUIET_MS: readonly [number, number] = [200, 1_000]
/** Length of a fault in milliseconds: sometimes longer than a connect time-out. */
const FAULT_MS: readonly [number, number] = [200, 3_500]

/** Injects one fault before the send after another into a link. */
async function injectUnsentFaults(
  one: NetworkLink,
  run: SharedFaultRun,
  random: SeededRandom,
  onUnsent: OnUnsent,
): Promise<void> {
  const { plan } = run
  while (!run.isOver && plan.begin(random, ['unsent'])) {
    await sleep(random.between(...QUIET_MS))
    const kind = random.pick(faultsOf(one.route))
    const affected = await one.fault(kind, random.between(...FAULT_MS))
    // With a closed port or a dropped SYN, the link does not notice the attempts.
    plan.end('unsent', affected > 0 || kind === 'refused' || kind === 'dropped SYN')
    onUnsent(kind, affected)
  }
}

/** Time between two full disks, in milliseconds. */
const ROOM_MS: readonly [number, number] = [500, 3_000]
/** How long the disk is full, in milliseconds. */
const FULL_MS: readonly [number, number] = [500, 5_000]

/** Fills the disk now and then: at a random moment, or just after a worker sent a request. */
async function injectFullDisks(disk: SmallDisk, run: SharedFaultRun, random: SeededRandom): Promise<void> {
  const { plan, pool, environment } = run
  while (!run.isOver && plan.begin(random, ['disk'])) {
    await sleep(random.between(...ROOM_MS))
    if (random.whole(0, 1) === 1) await Promise.race([pool.printed(`${AT_POINT}after-send`), sleep(2_000)])
    await disk.full(environment.database, random.between(...FULL_MS))
    plan.end('disk', true)
  }
}
