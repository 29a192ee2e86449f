import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '@guestpass/sandbox'
import { type Crew, crew, type Worker } from '../crew.ts'
import type { Luck } from '../luck.ts'
import { luck } from '../luck.ts'
import { fate, met, moduleOf } from './fate.ts'
import { type Findings, findings, type Given } from './findings.ts'
import { type Phase, phaseOf } from './phases.ts'
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
  /** By the phase of a refresh. */
  readonly killsAt: Readonly<Partial<Record<Phase, number>>>
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
  readonly killsAt: Partial<Record<Phase, number>>
  kills: number
  started: number
  /** Workers that have answered once. */
  ready: number
  signIns: number
  isOver: boolean
  /** Resolves when it is over. */
  readonly over: PromiseWithResolvers<void>
}

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
    crew: crew(place.cwd, place.env, place.programs.worker),
    given: [],
    errors: {},
    killsAt: {},
    kills: 0,
    started: 0,
    ready: 0,
    signIns: 0,
    isOver: false,
    over: Promise.withResolvers(),
  }
  try {
    await Promise.all([
      watch(run, chance.of('weather'), begun, say),
      ...place.connections.map((one) => tended(run, one)),
      ...Array.from({ length: options.processes }, (_, at) => working(run, chance.of(`worker ${at}`))),
    ])
    const { kills, killsAt, errors, given, signIns } = run
    const seconds = (Date.now() - begun) / 1_000
    return { ...(await judged(run)), kills, killsAt, errors, given: given.length, signIns, seconds }
  } finally {
    end(run)
    await run.crew.killAll()
    await place.close()
  }
}

function end(run: Run): void {
  run.isOver = true
  run.over.resolve()
}

/** In turn, so that a dead worker's lease has ended when it comes to it again; now and then the one before once more, so that workers meet. */
function nextConnection(run: Run, luck: Luck): string {
  const all = run.scene.connections
  if (luck.whole(1, 4) > 1) run.started += 1
  return all[run.started % all.length]?.name ?? ''
}

/** One worker after another, until it is over. */
async function working(run: Run, luck: Luck): Promise<void> {
  const { crew, options, scene } = run
  while (!run.isOver) {
    const name = nextConnection(run, luck)
    const fated = options.kills > 0 ? fate(luck) : undefined
    const one = crew.start([name], fated ? [moduleOf(fated, scene.programs.ambush)] : [])
    void one.answered.then(() => (run.ready += 1))
    await Promise.race([fated ? met(fated, one) : one.ended, run.over.promise])
    one.child.kill('SIGKILL')
    await count(run, name, one)
  }
}

async function count(run: Run, connection: string, { ended }: Worker): Promise<void> {
  const { out, err, signal, code } = await ended
  for (const line of out.split('\n').slice(0, -1)) {
    const said = JSON.parse(line) as Partial<Given> & { readonly code?: string; readonly message?: string }
    if (said.code !== undefined) tally(run.errors, said.message ?? said.code)
    else run.given.push({ ...(said as Given), connection })
  }
  if (signal !== 'SIGKILL') return tally(run.errors, `exit ${code}: ${err.trim().slice(-300)}`)
  if (run.options.kills === 0) return
  run.kills += 1
  tally(run.killsAt, phaseOf(err))
}

const tally = <Name extends string>(counts: Partial<Record<Name, number>>, what: Name): void => {
  counts[what] = (counts[what] ?? 0) + 1
}

const judged = async ({ scene, given }: Run): Promise<Findings> => {
  // In this order: what upstream did is in the store by then, as a note or as tokens.
  const journal = scene.journal()
  const standing = async ({ name, grant, events }: SignedIn) => ({ name, grant: await grant(), events: await events() })
  return findings({ given, journal, connections: await Promise.all(scene.connections.map(standing)) })
}

/** Signs in again whenever the sign-in has ended. */
async function tended(run: Run, one: SignedIn): Promise<void> {
  while (!run.isOver) {
    await sleep(200)
    if ((await one.grant())?.standing !== 'needs_reauth') continue
    await one.signIn()
    run.signIns += 1
  }
}

/** Makes the weather, and tells how it goes. */
async function watch(run: Run, luck: Luck, started: number, say: (line: string) => void): Promise<void> {
  const { options, scene } = run
  let begun = started
  let told = Date.now()
  let scripted = 0
  while (!run.isOver) {
    await sleep(200)
    const met = scene.journal().length
    for (; scripted < met + 100; scripted += 1) scene.upstream.script([{ on: 'token', do: weather(luck) }])
    // The time of many that start at once is not counted before all of them are at work.
    if (options.kills === 0 && run.ready < options.processes) begun = Date.now()
    const seconds = (Date.now() - begun) / 1_000
    if (Date.now() - told > (options.bug ? 1_000 : 10_000)) {
      told = Date.now()
      const found = await judged(run)
      say(
        `${seconds.toFixed(0).padStart(5)} s ${String(run.kills).padStart(6)} kills ${String(found.effects).padStart(6)} refreshes ` +
          `${String(found.inDoubt).padStart(5)} in doubt ${String(found.undeclared).padStart(3)} undeclared ${String(found.silent).padStart(3)} silent`,
      )
      if (options.bug && found.undeclared + found.silent > 0) end(run)
    }
    if (run.kills >= options.kills && seconds >= options.seconds) end(run)
  }
}
