import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Crew } from '../crew.ts'
import type { Luck } from '../luck.ts'
import { AT } from '../points.ts'
import { certificate } from './certificate.ts'
import type { EventClass, Plan } from './mix.ts'
import { faultsOf, type Line, line, tlsFront, type UnsentFault, UPSTREAM_NAME } from './network.ts'
import { type SmallDisk, smallDisk } from './small-disk.ts'

/** What workers share besides the upstream and the store: the network between, and the disk below. */
export interface Surroundings {
  /** The folder for the store. */
  readonly folder: string
  /** The variables of one worker, which lead it to the upstream. */
  env(luck: Luck): Readonly<Record<string, string>>
  /** Lets the events happen that a plan has for network and disk; resolves when there are enough, or it is over. */
  storm(run: Storm): Promise<void>
  close(): Promise<void>
}

export interface Storm {
  readonly plan: Plan
  readonly luck: Luck
  readonly crew: Crew
  /** The file of the store. */
  readonly database: string
  readonly isOver: () => boolean
  /** Hears of each fault before the send, and how many connections were seen to meet it. */
  readonly onUnsent: (kind: UnsentFault, met: number) => void
}

/** A run that lasts until it is over. */
export interface Lasting {
  readonly crew: Crew
  readonly plan: Plan
  readonly scene: { readonly around: Surroundings; readonly database: string }
  isOver: boolean
  /** Resolves when it is over. */
  readonly over: PromiseWithResolvers<void>
}

export function end(run: Lasting): void {
  run.isOver = true
  run.over.resolve()
}

/** Lets the events of network and disk happen to a run until it is over. */
export const storm = (run: Lasting, luck: Luck, onUnsent: Storm['onUnsent'] = () => {}): Promise<void> => {
  const { plan, crew, scene } = run
  return scene.around.storm({ plan, luck, crew, database: scene.database, isOver: () => run.isOver, onUnsent })
}

const LINES = ['direct', 'tunnel', 'direct', 'tunnel'] as const

/** `upstream`: the base URL of a server of plain HTTP, and the variables that name it. */
export async function surroundings(
  cwd: string,
  upstream: { readonly url: string; readonly env: Readonly<Record<string, string>> },
  mix: readonly EventClass[],
): Promise<Surroundings> {
  const path = join(cwd, 'store')
  const disk = mix.includes('disk') ? smallDisk(path) : undefined
  if (!disk) mkdirSync(path)
  const network = mix.includes('unsent') ? await lines(cwd, upstream) : undefined
  return {
    folder: path,
    env: (luck) => network?.env(luck) ?? upstream.env,
    async storm(run) {
      const all = [
        ...(network?.lines ?? []).map((one, nth) => failing(one, { ...run, luck: run.luck.of(`line ${nth}`) })),
        ...(disk ? [filling(disk, { ...run, luck: run.luck.of('disk') })] : []),
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
  const all: readonly Line[] = await Promise.all(LINES.map((route) => line(route, front.port)))
  const [first] = all
  if (!first) throw new Error('there are no lines')
  return {
    lines: all,
    env(luck: Luck) {
      const { url: through, variables } = luck.pick([first, ...all.slice(1)])
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
async function failing(one: Line, { plan, luck, isOver, onUnsent }: Storm): Promise<void> {
  while (!isOver() && plan.begin(luck, ['unsent'])) {
    await sleep(luck.between(...CALM_MS))
    const kind = luck.pick(faultsOf(one.route))
    const met = await one.fault(kind, luck.between(...FAULT_MS))
    // Where the port is closed or the SYN dropped, nothing is seen of those who tried.
    plan.end('unsent', met > 0 || kind === 'refused' || kind === 'dropped SYN')
    onUnsent(kind, met)
  }
}

const ROOM_MS: readonly [number, number] = [500, 3_000]
const FULL_MS: readonly [number, number] = [500, 5_000]

/** Fills the disk now and then: at random, or just when upstream is asked for something. */
async function filling(disk: SmallDisk, { plan, luck, crew, database, isOver }: Storm): Promise<void> {
  while (!isOver() && plan.begin(luck, ['disk'])) {
    await sleep(luck.between(...ROOM_MS))
    if (luck.whole(0, 1) === 1) await Promise.race([crew.said(`${AT}after-send`), sleep(2_000)])
    await disk.full(database, luck.between(...FULL_MS))
    plan.end('disk', true)
  }
}
