import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '@guestpass/sandbox'
import { crew, type Ended } from '../crew.ts'
import { classesOf, type Fate, fateOf, happen, ownPoint, workerClasses } from '../events/fate.ts'
import { type EventClass, type Plan, plan } from '../events/mix.ts'
import type { UnsentFault } from '../events/network.ts'
import { end, type Lasting, storm } from '../events/surroundings.ts'
import { clockEnv, stepClock } from '../events/wrong-clock.ts'
import { luck, type Luck } from '../luck.ts'
import { ambushModule, AT, type Point } from '../points.ts'
import { type Findings, findings, type Given } from './findings.ts'
import { between, type Phase, phaseOf } from './phases.ts'
import { type Api, type Kept, type Profile, type Scene, scene } from './scene.ts'
import { served } from './served.ts'

export interface RotationOptions {
  readonly profile: Profile
  readonly apis: readonly [Api, ...Api[]]
  /** Ends when so many events have happened and so many seconds have passed. */
  readonly events: number
  readonly mix: readonly EventClass[]
  readonly seconds: number
  readonly processes: number
  /** Each with a sign-in or a guest of its own: while a dead worker's lease holds one up, others are worked on. */
  readonly connections: number
  readonly seed: number
  /** Whether upstream loses answers and fails now and then. */
  readonly weather: boolean
  /** The only point for pauses; default any. */
  readonly pauseAt?: Point | undefined
  /** How long a connection may take to be served at the end, in milliseconds; 0: that is not tried. */
  readonly settlingMs: number
  /** Breaks the workers on purpose; the run ends when that has shown. */
  readonly bug?: string | undefined
}

export interface Outcome extends Findings {
  readonly counts: Plan['counts']
  /** Kills by the phase of a request. */
  readonly killsAt: Readonly<Partial<Record<Phase, number>>>
  /** Faults before the send, and the connections that were seen to meet them. */
  readonly unsent: Readonly<Partial<Record<UnsentFault, { readonly faults: number; readonly met: number }>>>
  readonly given: number
  readonly begun: number
  /** Doubts and ends for which there is no lost answer, and no worker that died or stood still or had a wrong clock. */
  readonly unfounded: number
  /** Connections that right workers are not served for at the end, and the longest that one took, in milliseconds. */
  readonly unserved: number
  readonly settledMs: number
  /** Errors that workers told, by code. */
  readonly errors: Readonly<Record<string, number>>
  readonly seconds: number
}

interface Run extends Lasting {
  readonly options: RotationOptions
  readonly scene: Scene
  readonly given: Given[]
  readonly errors: Record<string, number>
  readonly killsAt: Partial<Record<Phase, number>>
  readonly unsent: Partial<Record<UnsentFault, { faults: number; met: number }>>
  /** Workers that were stopped from outside in any way. */
  disturbed: number
  started: number
  /** Workers that have answered once. */
  ready: number
  begun: number
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

const fair = (luck: Luck): Fault['do'] => ({ delayMs: luck.whole(0, 40) })

/** Workers refresh what their connections have, over and over, while the events happen; says what came of it. */
export async function rotation(options: RotationOptions, say: (line: string) => void): Promise<Outcome> {
  const begun = Date.now()
  const chance = luck(options.seed)
  const place = await scene(options)
  const run: Run = {
    options,
    scene: place,
    crew: crew(place.cwd, place.env, place.programs.worker),
    plan: plan(options.events, options.events > 0 ? options.mix : []),
    given: [],
    errors: {},
    killsAt: {},
    unsent: {},
    disturbed: 0,
    started: 0,
    ready: 0,
    begun: 0,
    isOver: false,
    over: Promise.withResolvers(),
  }
  try {
    await Promise.all([
      watch(run, chance.of('weather'), begun, say),
      storm(run, chance, counting(run)),
      ...place.connections.map((one) => tended(run, one)),
      ...Array.from({ length: options.processes }, (_, at) => working(run, chance.of(`worker ${at}`), at)),
    ])
    place.upstream.script([])
    const found = await judged(run)
    const { plan: done, killsAt, unsent, errors } = run
    const settled =
      options.events > 0 && options.settlingMs > 0
        ? await served(place, options.settlingMs)
        : { unserved: 0, settledMs: 0 }
    return {
      ...found,
      ...settled,
      counts: done.counts,
      killsAt,
      unsent,
      errors,
      given: run.given.length,
      begun: run.begun,
      unfounded: unfounded(run, found),
      seconds: (Date.now() - begun) / 1_000,
    }
  } finally {
    end(run)
    await run.crew.killAll()
    await place.close()
  }
}

/**
 * A worker that stands still may hold up all others, each in the middle of a refresh. One with a wrong clock may be killed, once. A full
 * disk may keep each from writing that it sent nothing, but ends nothing.
 */
function unfounded({ options, killsAt, disturbed, plan: { counts } }: Run, found: Findings): number {
  const killed = between.reduce((sum, one) => sum + (killsAt[one] ?? 0), 0)
  const stopped = disturbed - Math.min(disturbed, counts.clock)
  const explained = found.lostAnswers + killed + stopped * options.processes + counts.clock
  return Math.max(0, found.inDoubt - explained - counts.disk * options.processes, found.ended - explained)
}

/** Counts the faults before the send, by kind. */
const counting =
  ({ unsent }: Run) =>
  (kind: UnsentFault, met: number): void => {
    const before = unsent[kind] ?? { faults: 0, met: 0 }
    unsent[kind] = { faults: before.faults + 1, met: before.met + met }
  }

/** In turn, so that a dead worker's lease has ended when it comes to it again; now and then the one before once more, so that workers meet. */
function nextConnection(run: Run, luck: Luck): Kept | undefined {
  const all = run.scene.connections
  if (luck.whole(1, 4) > 1) run.started += 1
  return all[run.started % all.length]
}

/** One worker after another, until it is over. */
async function working(run: Run, luck: Luck, slot: number): Promise<void> {
  const { crew, options, scene, plan } = run
  for (let nth = 0; !run.isOver; nth += 1) {
    const kept = nextConnection(run, luck)
    if (!kept) return
    const what = plan.begin(luck, classesOf(slot))
    const fate = fateOf(what, luck, { pauseAt: options.pauseAt })
    const file = join(scene.cwd, `clock-${run.started}-${nth}`)
    const own = ownPoint(fate) ?? ({ point: 'after-answer', nth: 0, signal: 'SIGKILL' } as const)
    const module = ambushModule(own, { of: kept.api, tells: true, program: scene.programs.ambush })
    const clock = fate.how === 'clock' ? clockEnv(fate.clock, file) : {}
    const one = crew.start([kept.name], options.events > 0 ? [module] : [], { ...scene.around.env(luck), ...clock })
    void one.answered.then(() => (run.ready += 1))
    if (options.events === 0) {
      await Promise.race([one.ended, run.over.promise])
      one.child.kill('SIGKILL')
      count(run, kept.name, fate, await one.ended)
      continue
    }
    const stage = { over: run.over.promise, step: () => fate.how === 'clock' && stepClock(fate.clock, file) }
    const done = await happen(fate, one, stage)
    if (what) plan.end(what, done)
    count(run, kept.name, fate, await one.ended)
  }
}

function count(run: Run, connection: string, fate: Fate, { out, err, signal, code }: Ended): void {
  for (const line of out.split('\n').slice(0, -1)) {
    const said = JSON.parse(line) as Partial<Given> & { readonly code?: string; readonly message?: string }
    if (said.code !== undefined) tally(run.errors, said.message ?? said.code)
    else run.given.push({ ...(said as Given), connection })
  }
  if (code !== 0 && signal === null) tally(run.errors, `exit ${code}: ${complaintOf(err)}`)
  if (run.options.events === 0) return
  if (fate.how === 'kills') tally(run.killsAt, phaseOf(err))
  else if (fate.how !== 'none' || signal === 'SIGKILL') run.disturbed += 1
}

/** The end of what a worker said besides its points. */
const complaintOf = (err: string): string =>
  err
    .split('\n')
    .filter((line) => !line.startsWith(AT))
    .join(' ')
    .trim()
    .slice(-300)

const tally = <Name extends string>(counts: Partial<Record<Name, number>>, what: Name): void => {
  counts[what] = (counts[what] ?? 0) + 1
}

const judged = async ({ scene, given }: Run): Promise<Findings> => {
  // In this order: what upstream did is in the store by then, as a note or as tokens.
  const journal = scene.journal()
  const standing = async ({ name, api, credentials, events }: Kept) => ({
    name,
    api,
    credentials: await credentials(),
    events: await events(),
  })
  return findings({ given, journal, connections: await Promise.all(scene.connections.map(standing)) })
}

/** Begins again whatever has ended. */
async function tended(run: Run, one: Kept): Promise<void> {
  while (!run.isOver) {
    await sleep(200)
    if (!(await one.hasEnded())) continue
    await one.begin()
    run.begun += 1
  }
}

/** What dead and paused workers explain is known only when they have ended. */
function hasShown(run: Run, found: Findings): boolean {
  const knows = !run.options.mix.some((one) => workerClasses.some((other) => other === one))
  const wrong = found.undeclared + found.silent + found.doubled + found.lost
  return wrong > 0 || (knows && unfounded(run, found) > 0)
}

const OPERATIONS = { grant: 'token', engagements: 'refresh' } as const

/** Makes the weather, and tells how it goes. */
async function watch(run: Run, luck: Luck, started: number, say: (line: string) => void): Promise<void> {
  const { options, scene, plan } = run
  const draw = options.weather ? weather : fair
  const waiting = { grant: 0, engagements: 0 }
  let begun = started
  let told = Date.now()
  while (!run.isOver) {
    await sleep(200)
    const met = scene.journal().length
    for (const api of options.apis) {
      for (; waiting[api] < met + 100; waiting[api] += 1) {
        scene.upstream.script([{ on: OPERATIONS[api], do: draw(luck) }])
      }
    }
    // The time of many that start at once is not counted before all of them are at work.
    if (options.events === 0 && run.ready < options.processes) begun = Date.now()
    const seconds = (Date.now() - begun) / 1_000
    if (Date.now() - told > (options.bug ? 1_000 : 10_000)) {
      told = Date.now()
      const found = await judged(run)
      say(
        `${seconds.toFixed(0).padStart(5)} s ${String(plan.total).padStart(6)} events ${String(found.effects).padStart(6)} refreshes ` +
          `${String(found.inDoubt).padStart(5)} in doubt ${String(found.undeclared).padStart(3)} undeclared ${String(found.silent).padStart(3)} silent`,
      )
      if (options.bug && hasShown(run, found)) end(run)
    }
    if (plan.isDone && seconds >= options.seconds) end(run)
  }
}
