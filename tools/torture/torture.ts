import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IssuedGuest } from '@guestpass/core'
import type { CreateFindings, GivenGuest } from './creates/findings.ts'
import { connectionOf, type PersonApi, personApis } from './creates/persons.ts'
import { crew, type Ended, type Worker } from './crew.ts'
import { classesOf, type Fate, fateOf, type FateOptions, happen, ownPoint } from './events/fate.ts'
import { type EventClass, type Plan, plan } from './events/mix.ts'
import { end, type Lasting, storm } from './events/surroundings.ts'
import { clockEnv, lesserOffsets, stepClock } from './events/wrong-clock.ts'
import type { Acknowledged, Findings } from './findings.ts'
import { type Look, look } from './look.ts'
import { luck, type Luck } from './luck.ts'
import { ambushModule, freshKeyModule } from './points.ts'
import { programs, type Programs } from './programs.ts'
import type { Refreshing } from './refresh-traffic.ts'
import { phaseOf } from './rotation/phases.ts'
import { type Scene, scene, type SceneOptions } from './scene.ts'
import { settled } from './settled.ts'
import { weather } from './weather.ts'

export interface TortureOptions extends SceneOptions {
  readonly events: number
  readonly mix: readonly EventClass[]
  readonly seed: number
  /** Processes that keep, that refresh once, and that create, at the same time. */
  readonly keepers: number
  readonly refreshers: number
  readonly creators: number
  /** Breaks the workers on purpose; the run ends when that has shown. */
  readonly bug?: string | undefined
  /** Ends the run early, with what was found until then. */
  readonly signal?: AbortSignal | undefined
}

/** What a run did, and what was found after it. */
export interface Outcome extends Omit<Findings, 'doubled'> {
  /** One line for each guest of which a refresh took effect twice. */
  readonly doubled: readonly string[]
  readonly creates: CreateFindings
  readonly counts: Plan['counts']
  /** Tokens and guests that were given to a worker. */
  readonly acknowledged: number
  readonly guestsGiven: number
  /** How many of the kills hit the worker at each point; the others came at a random moment. */
  readonly killsAt: Readonly<Record<string, number>>
  readonly seconds: number
  /** Workers that ended by themselves with an error, by its code. */
  readonly failures: Readonly<Record<string, number>>
  /** Guests that could not be given a valid token at the end. */
  readonly withoutToken: readonly string[]
  readonly orphans: number
}

/** How often a look is taken while it runs, in milliseconds. */
const LOOK_MS = 5_000
/** How long a refresh that was cut short is left alone, so that the next one need not wait long for its lease. */
const HEALING_MS = 5_000
/** Persons that a creator is ahead of the one that began before it. */
const STEP = 2

interface Run extends Lasting {
  readonly options: TortureOptions
  readonly scene: Scene
  readonly programs: Programs
  readonly look: Look
  readonly acknowledged: Acknowledged[]
  readonly given: GivenGuest[]
  /** How many persons of each API were asked for. */
  readonly persons: Record<PersonApi, number>
  /** What any look has found. */
  readonly lost: Set<string>
  /** By guest. */
  readonly doubled: Map<string, string>
  readonly killsAt: Record<string, number>
  readonly failures: Record<string, number>
  /** Guests whose refresh was cut short, and from when on it is tried again. */
  readonly cutShort: { readonly id: string; readonly from: number }[]
  /** How long a one-shot takes when nothing happens to it. */
  typicalMs: number
  started: number
}

/** Lets workers refresh guest tokens and create guests while the events happen, and says what came of it. */
export async function torture(options: TortureOptions, say: (line: string) => void): Promise<Outcome> {
  const begun = Date.now()
  const chance = luck(options.seed)
  const place = await scene(options, chance.of('scene'))
  const run: Run = {
    options,
    scene: place,
    programs: await programs(place.cwd, { worker: 'creates/worker.ts', ambush: 'ambush.ts' }),
    crew: crew(place.cwd, { ...place.env, ...(options.bug === undefined ? {} : { TORTURE_BUG: options.bug }) }),
    plan: plan(options.events, options.mix),
    look: look(place),
    acknowledged: place.issued.map(acknowledgedOf),
    given: [],
    persons: { engagements: 0, 'external-users': 0 },
    lost: new Set(),
    doubled: new Map(),
    killsAt: {},
    failures: {},
    cutShort: [],
    typicalMs: 800,
    started: 0,
    over: Promise.withResolvers(),
    isOver: false,
  }
  options.signal?.addEventListener('abort', () => end(run))
  try {
    run.typicalMs = await typical(run)
    await Promise.all([
      ...slots(run, chance),
      storm(run, chance),
      signedIn(run),
      watch(run, chance.of('weather'), begun, say),
    ])
    place.upstream.script([])
    await judge(run)
    const withoutToken = options.bug ? [] : await settled(place)
    const { refreshes, creates } = await judge(run)
    return {
      ...refreshes,
      creates,
      lost: [...run.lost],
      doubled: [...run.doubled.values()],
      acknowledged: run.acknowledged.length,
      guestsGiven: run.given.length,
      counts: run.plan.counts,
      killsAt: run.killsAt,
      failures: run.failures,
      withoutToken,
      orphans: run.crew.leftOver(),
      seconds: (Date.now() - begun) / 1_000,
    }
  } finally {
    end(run)
    await run.crew.killAll()
    await place.close()
  }
}

/** How long a one-shot takes here and now. */
async function typical({ crew, scene: { around, issued } }: Run): Promise<number> {
  const begun = Date.now()
  const argv = ['guest', 'token', issued[0]?.guestId ?? '', '--json']
  await crew.start(argv, [], around.env(luck(0))).ended
  return Date.now() - begun
}

/** One after another in each, until it is over. */
const slots = (run: Run, chance: Luck): readonly Promise<void>[] => {
  const { keepers, refreshers, creators } = run.options
  return [
    ...Array.from({ length: keepers }, (_, at) => keeping(run, chance.of(`keeper ${at}`), at)),
    ...Array.from({ length: refreshers }, (_, at) => refreshing(run, chance.of(`refresher ${at}`), at)),
    ...Array.from({ length: creators }, (_, at) => creating(run, chance.of(`creator ${at}`), at)),
  ]
}

const acknowledgedOf = ({ guestId, generation, token }: IssuedGuest): Acknowledged => ({
  guestId,
  generation,
  token: token.reveal(),
})

/** A worker, with what happens to it. */
interface Job {
  readonly argv: readonly string[]
  readonly of: Refreshing
  /** Default the command line. */
  readonly program?: string
  readonly fate?: FateOptions
  readonly slot: number
}

/** Starts a worker, lets its fate happen to it, and says how it ended. */
async function worked(run: Run, luck: Luck, { argv, of, program, fate: options, slot }: Job): Promise<[Fate, Ended]> {
  const { crew, plan, scene } = run
  const what = plan.begin(luck, classesOf(slot))
  const fate = fateOf(what, luck, options)
  const file = join(scene.cwd, `clock-${(run.started += 1)}`)
  const own = ownPoint(fate) ?? ({ point: 'after-answer', nth: 0, signal: 'SIGKILL' } as const)
  const modules = [ambushModule(own, { of, tells: true, program: run.programs.ambush })]
  const clock = fate.how === 'clock' ? clockEnv(fate.clock, file) : {}
  const isBroken = run.options.bug === 'fresh-key' && of === 'guest'
  const one: Worker = crew.start(
    argv,
    [...(isBroken ? [freshKeyModule] : []), ...modules],
    { ...scene.around.env(luck), ...clock },
    program,
  )
  const stage = { over: run.over.promise, step: () => fate.how === 'clock' && stepClock(fate.clock, file) }
  const done = await happen(fate, one, stage)
  if (what) plan.end(what, done)
  if (fate.how === 'kills' && fate.all) await crew.killAll()
  const ended = await one.ended
  count(run, fate, ended)
  return [fate, ended]
}

/** A keeper lives so many times as long as a one-shot takes: it has started and renewed a few times. */
const LONGEST_RUNS = 5

/** One keeper after another. */
async function keeping(run: Run, luck: Luck, slot: number): Promise<void> {
  while (!run.isOver) {
    await worked(run, luck, { argv: ['keep'], of: 'guest', slot, fate: { momentMs: LONGEST_RUNS * run.typicalMs } })
  }
}

/** One refresh after another, each by a process of its own. */
async function refreshing(run: Run, luck: Luck, slot: number): Promise<void> {
  while (!run.isOver) {
    const guestId = cutShortOne(run) ?? run.scene.issued[luck.whole(0, run.scene.issued.length - 1)]?.guestId ?? ''
    const begun = Date.now()
    const argv = ['guest', 'refresh', guestId, '--json', '--reveal']
    const options = { most: 1, momentMs: 1.2 * run.typicalMs }
    const [fate, ended] = await worked(run, luck, { argv, of: 'guest', slot, fate: options })
    if (fate.how === 'none' && ended.code === 0) run.typicalMs = 0.8 * run.typicalMs + 0.2 * (Date.now() - begun)
    const answer = answered(ended)
    if (answer) run.acknowledged.push({ guestId, ...answer })
    else if (ended.signal === 'SIGKILL') run.cutShort.push({ id: guestId, from: Date.now() + HEALING_MS })
  }
}

/** One process after another that asks for guests; the persons of one are mostly those of the next. */
async function creating(run: Run, luck: Luck, slot: number): Promise<void> {
  for (let nth = slot; !run.isOver; nth += 1) {
    const api = personApis[nth % personApis.length] ?? 'engagements'
    const from = run.persons[api]
    run.persons[api] += STEP
    const argv = [api, connectionOf(api), String(Math.max(0, from - STEP))]
    // An external user lives for a day and cannot be renewed: by a clock that is wrong by a day it has ended, and another is due.
    const fate = api === 'external-users' ? { offsets: lesserOffsets } : {}
    const [, { out }] = await worked(run, luck, { argv, of: 'create', program: run.programs.worker, slot, fate })
    for (const line of out.split('\n').slice(0, -1)) {
      const said = JSON.parse(line) as Partial<GivenGuest> & { readonly code?: string; readonly message?: string }
      if (said.code === undefined) run.given.push(said as GivenGuest)
      else tally(run.failures, said.message ?? said.code)
      run.persons[api] = Math.max(run.persons[api], (said.nth ?? 0) + 1)
    }
  }
}

/** Signs the user in again whenever the sign-in has ended. */
async function signedIn(run: Run): Promise<void> {
  const { scene, over } = run
  while (!run.isOver) {
    await Promise.race([sleep(500), over.promise])
    const { credential } = await scene.store.find(connectionOf('external-users'), 'grant')
    if (credential?.standing === 'needs_reauth') await scene.signIn().catch(() => {})
  }
}

function cutShortOne(run: Run): string | undefined {
  const [first] = run.cutShort
  if (!first || first.from > Date.now()) return undefined
  run.cutShort.shift()
  return first.id
}

/** The token that a worker printed; a line that was cut short is none, and neither is a problem. */
function answered({ out }: Ended): Omit<Acknowledged, 'guestId'> | undefined {
  if (!out.endsWith('\n')) return undefined
  const { generation, token } = JSON.parse(out) as Partial<Acknowledged>
  return generation === undefined || token === undefined ? undefined : { generation, token }
}

function count(run: Run, fate: Fate, { code, signal, out, err }: Ended): void {
  if (fate.how === 'kills' && signal === 'SIGKILL') tally(run.killsAt, phaseOf(err))
  if (signal === null && code !== 0) tally(run.failures, failureOf(out, err) ?? `exit ${code}, ${fate.how}`)
}

const tally = (counts: Record<string, number>, what: string): void => {
  counts[what] = (counts[what] ?? 0) + 1
}

/** The code of a problem, or what was said when there is none. */
function failureOf(out: string, err: string): string | undefined {
  const code = /"code":"(\w+)"/.exec(out)?.[1] ?? /\[(\w+)\]/.exec(err)?.[1]
  const said = err.split('\n').filter((line) => !line.startsWith('torture:'))
  return code ?? (said.join(' ').trim().slice(-200) || undefined)
}

async function watch(run: Run, luck: Luck, begun: number, say: (line: string) => void): Promise<void> {
  const blow = weather(run.scene.upstream, luck)
  blow(0)
  while (!run.isOver) {
    await Promise.race([sleep(run.options.bug ? LOOK_MS / 2 : LOOK_MS), run.over.promise])
    const { refreshes, creates } = await judge(run)
    blow(refreshes.effects + creates.made)
    const seconds = Math.round((Date.now() - begun) / 1_000)
    say(
      `${String(seconds).padStart(5)} s ${String(run.plan.total).padStart(6)} events ${String(refreshes.effects).padStart(6)} refreshes ` +
        `${String(creates.made).padStart(6)} creates ${String(run.lost.size).padStart(3)} lost ${String(run.doubled.size).padStart(3)} doubled`,
    )
    if (run.plan.isDone || (run.options.bug && run.doubled.size + creates.doubled.length > 0)) end(run)
  }
}

/** Takes a look; what was wrong once stays wrong, whatever comes after it. */
async function judge({ look, acknowledged, given, persons, lost, doubled }: Run): ReturnType<Look> {
  const found = await look(acknowledged, given, persons)
  for (const one of found.refreshes.lost) lost.add(one)
  for (const { guestId, said } of found.refreshes.doubled) doubled.set(guestId, said)
  return found
}
