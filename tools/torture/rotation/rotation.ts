import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Fault } from '@guestpass/sandbox'
import { type Crew, crew, type Worker } from '../crew.ts'
import type { Luck } from '../luck.ts'
import { luck } from '../luck.ts'
import { ambushModule, points, SIGN } from '../points.ts'
import { type Findings, findings, type Given } from './findings.ts'
import { type Profile, type Scene, scene, type SignedIn } from './scene.ts'

export interface RotationOptions {
  readonly profile: Profile
  /** Ends when so many workers were killed and so many seconds have passed. */
  readonly kills: number
  readonly seconds: number
  readonly processes: number
  /** Signed in each for itself: while a dead worker's lease holds one up, others are worked on. */
  readonly connections: number
  readonly seed: number
  /** Breaks the workers on purpose; the run ends when that has shown. */
  readonly bug?: string | undefined
}

export interface Outcome extends Findings {
  readonly kills: number
  readonly killsAt: Readonly<Record<string, number>>
  readonly given: number
  readonly signIns: number
  /** Errors that workers told, by code. */
  readonly errors: Readonly<Record<string, number>>
  readonly seconds: number
}

interface Run {
  readonly options: RotationOptions
  readonly scene: Scene
  readonly crew: Crew
  readonly given: Given[]
  readonly errors: Record<string, number>
  readonly killsAt: Record<string, number>
  kills: number
  started: number
  signIns: number
  isOver: boolean
}

const worker = fileURLToPath(new URL('./worker.ts', import.meta.url))
/** How long a worker that is to be killed goes on after its first answer, and how long that may take; milliseconds. */
const LONGEST_MS = 1_000
const PATIENCE_MS = 8_000

/** Mostly fair: now and then slow, lost, failing. */
const weather = (luck: Luck): Fault['do'] =>
  luck.weighted<() => Fault['do']>([
    [80, () => ({ delayMs: luck.whole(0, 10) })],
    [8, () => ({ delayMs: luck.whole(20, 200) })],
    [3, () => ({ drop: 'after' })],
    [3, () => ({ drop: 'before' })],
    [3, () => ({ status: 503 })],
    [2, () => ({ status: 500 })],
    [1, () => ({ status: 429, headers: { 'retry-after': '1' } })],
  ])()

/** Workers of one connection refresh its sign-in over and over while they are killed; says what came of it. */
export async function rotation(options: RotationOptions, say: (line: string) => void): Promise<Outcome> {
  const begun = Date.now()
  const chance = luck(options.seed)
  const place = await scene(options.profile, options.connections, options.bug)
  const run: Run = {
    options,
    scene: place,
    crew: crew(place.cwd, place.env, worker),
    given: [],
    errors: {},
    killsAt: {},
    kills: 0,
    started: 0,
    signIns: 0,
    isOver: false,
  }
  try {
    const watching = watch(run, chance.of('weather'), begun, say)
    await Promise.all(Array.from({ length: options.processes }, (_, at) => working(run, chance.of(`worker ${at}`))))
    await watching
    const { kills, killsAt, errors, given, signIns } = run
    const seconds = (Date.now() - begun) / 1_000
    return { ...(await judged(run)), kills, killsAt, errors, given: given.length, signIns, seconds }
  } finally {
    await run.crew.killAll()
    await place.close()
  }
}

/** Two workers that start one after the other work on one connection, so that they meet. */
function nextConnection(run: Run): string {
  const all = run.scene.connections
  const at = Math.floor(run.started / 2) % all.length
  run.started += 1
  return all[at]?.name ?? ''
}

/** One worker after another, until it is over. */
async function working(run: Run, luck: Luck): Promise<void> {
  while (!run.isOver) {
    const name = nextConnection(run)
    const point = luck.whole(0, 1) === 1 ? luck.pick(points) : undefined
    const kills = run.options.kills > 0
    const ambush = kills && point ? [ambushModule({ point, nth: luck.whole(1, 2), signal: 'SIGKILL' }, 'grant')] : []
    const one = run.crew.start([name], ambush)
    await (kills ? lived(one, ambush.length > 0, luck) : over(run, one))
    one.child.kill('SIGKILL')
    await count(run, name, one)
  }
}

/** Until its ambush, or for a while after its first answer. */
async function lived({ answered, ended }: Worker, isAmbushed: boolean, luck: Luck): Promise<void> {
  const begins = isAmbushed ? ended : answered
  await Promise.race([begins, ended, sleep(PATIENCE_MS, undefined, { ref: false })])
  await Promise.race([ended, sleep(luck.between(0, LONGEST_MS))])
}

async function over(run: Run, { ended }: Worker): Promise<void> {
  const looks = async (): Promise<void> => {
    while (!run.isOver) await sleep(100)
  }
  await Promise.race([looks(), ended])
}

async function count(run: Run, connection: string, { ended }: Worker): Promise<void> {
  const { out, err, signal, code } = await ended
  for (const line of out.split('\n').slice(0, -1)) {
    const said = JSON.parse(line) as Partial<Given> & { readonly code?: string; readonly message?: string }
    if (said.code !== undefined) tally(run.errors, said.message ?? said.code)
    else run.given.push({ ...(said as Given), connection })
  }
  if (signal !== 'SIGKILL') return tally(run.errors, `exit ${code}: ${err.trim().slice(-300)}`)
  run.kills += 1
  const point = points.find((one) => err.includes(`${SIGN}${one}\n`))
  if (point) tally(run.killsAt, point)
}

const tally = (counts: Record<string, number>, what: string): void => {
  counts[what] = (counts[what] ?? 0) + 1
}

const judged = async ({ scene, given }: Run): Promise<Findings> => {
  // In this order: what upstream did is in the store by then, as a note or as tokens.
  const journal = scene.journal()
  const standing = async ({ name, grant, events }: SignedIn) => ({ name, grant: await grant(), events: await events() })
  return findings({ given, journal, connections: await Promise.all(scene.connections.map(standing)) })
}

/** Signs in again where the sign-in has ended, makes the weather, and tells how it goes. */
async function watch(run: Run, luck: Luck, begun: number, say: (line: string) => void): Promise<void> {
  const { options, scene } = run
  let told = Date.now()
  let scripted = 0
  while (!run.isOver) {
    await sleep(200)
    for (const one of scene.connections) {
      if ((await one.grant())?.standing !== 'needs_reauth') continue
      await one.signIn()
      run.signIns += 1
    }
    const met = scene.journal().length
    for (; scripted < met + 100; scripted += 1) scene.upstream.script([{ on: 'token', do: weather(luck) }])
    const seconds = (Date.now() - begun) / 1_000
    if (Date.now() - told > (options.bug ? 1_000 : 10_000)) {
      told = Date.now()
      const found = await judged(run)
      say(
        `${seconds.toFixed(0).padStart(5)} s ${String(run.kills).padStart(6)} kills ${String(found.effects).padStart(6)} refreshes ` +
          `${String(found.inDoubt).padStart(5)} in doubt ${String(found.undeclared).padStart(3)} undeclared ${String(found.silent).padStart(3)} silent`,
      )
      if (options.bug && found.undeclared + found.silent > 0) run.isOver = true
    }
    if (run.kills >= options.kills && seconds >= options.seconds) run.isOver = true
  }
}
