import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IssuedGuest } from '@guestpass/core'
import type { CreateReport, GivenGuest } from './creates/create-report.ts'
import { connectionOf, type PersonApi, personApis } from './creates/persons.ts'
import { processPool, type Ended, type Worker } from './process-pool.ts'
import {
  classesOf,
  type KillPlan,
  createKillPlan,
  type KillPlanOptions,
  applyKillPlan,
  ownPoint,
} from './events/kill-plan.ts'
import { type EventClass, type EventPlan, createEventPlan } from './events/event-plan.ts'
import { end, type RunState, injectSharedFaults } from './events/shared-faults.ts'
import { clockEnv, lesserOffsets, stepClock } from './events/wrong-clock.ts'
import type { Acknowledged, InvariantReport } from './invariant-report.ts'
import { createSnapshots, type TakeSnapshot } from './snapshot.ts'
import { seededRandom, type SeededRandom } from './random.ts'
import { injectionModule, freshKeyModule } from './fail-points.ts'
import { programs, type Programs } from './programs.ts'
import type { Refreshing } from './refresh-traffic.ts'
import { phaseOf } from './rotation/phases.ts'
import { type TestEnvironment, testEnvironment, type TestEnvironmentOptions } from './test-environment.ts'
import { settled } from './settled.ts'
import { faultScript } from './fault-script.ts'

export interface CrashTestOptions extends TestEnvironmentOptions {
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
export interface Outcome extends Omit<InvariantReport, 'doubled'> {
  /** One line for each guest of which a refresh took effect twice. */
  readonly doubled: readonly string[]
  readonly creates: CreateReport
  readonly counts: EventPlan['counts']
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

/** How often a snapshot is taken, in milliseconds. */
const SNAPSHOT_MS = 5_000
/** How long a refresh that was cut short is left alone, so that the next one need not wait long for its lease. */
const HEALING_MS = 5_000
/** Persons that a creator is ahead of the one that began before it. */
const STEP = 2

interface Run extends RunState {
  readonly options: CrashTestOptions
  readonly environment: TestEnvironment
  readonly programs: Programs
  readonly takeSnapshot: TakeSnapshot
  readonly acknowledged: Acknowledged[]
  readonly given: GivenGuest[]
  /** How many persons of each API were asked for. */
  readonly persons: Record<PersonApi, number>
  /** Violations that any snapshot has found. */
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
export async function crashTest(options: CrashTestOptions, say: (line: string) => void): Promise<Outcome> {
  const begun = Date.now()
  const random = seededRandom(options.seed)
  const place = await testEnvironment(options, random.fork('environment'))
  const run: Run = {
    options,
    environment: place,
    programs: await programs(place.cwd, { worker: 'creates/worker.ts', failPoints: 'fail-point-injection.ts' }),
    pool: processPool(place.cwd, {
      ...place.env,
      ...(options.bug === undefined ? {} : { CRASH_TEST_BUG: options.bug }),
    }),
    plan: createEventPlan(options.events, options.mix),
    takeSnapshot: createSnapshots(place),
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
      ...slots(run, random),
      injectSharedFaults(run, random),
      signedIn(run),
      watch(run, random.fork('faults'), begun, say),
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
      orphans: run.pool.leftOver(),
      seconds: (Date.now() - begun) / 1_000,
    }
  } finally {
    end(run)
    await run.pool.killAll()
    await place.close()
  }
}

/** How long a one-shot takes here and now. */
async function typical({ pool, environment: { around, issued } }: Run): Promise<number> {
  const begun = Date.now()
  const argv = ['guest', 'token', issued[0]?.guestId ?? '', '--json']
  await pool.start(argv, [], around.env(seededRandom(0))).ended
  return Date.now() - begun
}

/** One after another in each, until it is over. */
const slots = (run: Run, random: SeededRandom): readonly Promise<void>[] => {
  const { keepers, refreshers, creators } = run.options
  return [
    ...Array.from({ length: keepers }, (_, at) => keeping(run, random.fork(`keeper ${at}`), at)),
    ...Array.from({ length: refreshers }, (_, at) => refreshing(run, random.fork(`refresher ${at}`), at)),
    ...Array.from({ length: creators }, (_, at) => creating(run, random.fork(`creator ${at}`), at)),
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
  readonly killPlan?: KillPlanOptions
  readonly slot: number
}

/** Starts a worker, lets its killPlan happen to it, and says how it ended. */
async function worked(
  run: Run,
  random: SeededRandom,
  { argv, of, program, killPlan: options, slot }: Job,
): Promise<[KillPlan, Ended]> {
  const { pool, plan, environment } = run
  const what = plan.begin(random, classesOf(slot))
  const killPlan = createKillPlan(what, random, options)
  const file = join(environment.cwd, `clock-${(run.started += 1)}`)
  const own = ownPoint(killPlan) ?? ({ point: 'after-answer', nth: 0, signal: 'SIGKILL' } as const)
  const modules = [injectionModule(own, { of, traces: true, program: run.programs.failPoints })]
  const clock = killPlan.how === 'clock' ? clockEnv(killPlan.clock, file) : {}
  const isBroken = run.options.bug === 'fresh-key' && of === 'guest'
  const one: Worker = pool.start(
    argv,
    [...(isBroken ? [freshKeyModule] : []), ...modules],
    { ...environment.around.env(random), ...clock },
    program,
  )
  const context = { over: run.over.promise, step: () => killPlan.how === 'clock' && stepClock(killPlan.clock, file) }
  const done = await applyKillPlan(killPlan, one, context)
  if (what) plan.end(what, done)
  if (killPlan.how === 'kills' && killPlan.all) await pool.killAll()
  const ended = await one.ended
  count(run, killPlan, ended)
  return [killPlan, ended]
}

/** A keeper lives so many times as long as a one-shot takes: it has started and renewed a few times. */
const LONGEST_RUNS = 5

/** One keeper after another. */
async function keeping(run: Run, random: SeededRandom, slot: number): Promise<void> {
  while (!run.isOver) {
    await worked(run, random, {
      argv: ['keep'],
      of: 'guest',
      slot,
      killPlan: { momentMs: LONGEST_RUNS * run.typicalMs },
    })
  }
}

/** One refresh after another, each by a process of its own. */
async function refreshing(run: Run, random: SeededRandom, slot: number): Promise<void> {
  while (!run.isOver) {
    const guestId =
      cutShortOne(run) ?? run.environment.issued[random.whole(0, run.environment.issued.length - 1)]?.guestId ?? ''
    const begun = Date.now()
    const argv = ['guest', 'refresh', guestId, '--json', '--reveal']
    const options = { most: 1, momentMs: 1.2 * run.typicalMs }
    const [killPlan, ended] = await worked(run, random, { argv, of: 'guest', slot, killPlan: options })
    if (killPlan.how === 'none' && ended.code === 0) run.typicalMs = 0.8 * run.typicalMs + 0.2 * (Date.now() - begun)
    const answer = answered(ended)
    if (answer) run.acknowledged.push({ guestId, ...answer })
    else if (ended.signal === 'SIGKILL') run.cutShort.push({ id: guestId, from: Date.now() + HEALING_MS })
  }
}

/** One process after another that asks for guests; the persons of one are mostly those of the next. */
async function creating(run: Run, random: SeededRandom, slot: number): Promise<void> {
  for (let nth = slot; !run.isOver; nth += 1) {
    const api = personApis[nth % personApis.length] ?? 'engagements'
    const from = run.persons[api]
    run.persons[api] += STEP
    const argv = [api, connectionOf(api), String(Math.max(0, from - STEP))]
    // An external user lives for a day and cannot be renewed: by a clock that is wrong by a day it has ended, and another is due.
    const killPlan = api === 'external-users' ? { offsets: lesserOffsets } : {}
    const [, { out }] = await worked(run, random, { argv, of: 'create', program: run.programs.worker, slot, killPlan })
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
  const { environment, over } = run
  while (!run.isOver) {
    await Promise.race([sleep(500), over.promise])
    const { credential } = await environment.store.find(connectionOf('external-users'), 'grant')
    if (credential?.status === 'needs_reauth') await environment.signIn().catch(() => {})
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

function count(run: Run, killPlan: KillPlan, { code, signal, out, err }: Ended): void {
  if (killPlan.how === 'kills' && signal === 'SIGKILL') tally(run.killsAt, phaseOf(err))
  if (signal === null && code !== 0) tally(run.failures, failureOf(out, err) ?? `exit ${code}, ${killPlan.how}`)
}

const tally = (counts: Record<string, number>, what: string): void => {
  counts[what] = (counts[what] ?? 0) + 1
}

/** The code of a problem, or what was said when there is none. */
function failureOf(out: string, err: string): string | undefined {
  const code = /"code":"(\w+)"/.exec(out)?.[1] ?? /\[(\w+)\]/.exec(err)?.[1]
  const said = err.split('\n').filter((line) => !line.startsWith('fail point:'))
  return code ?? (said.join(' ').trim().slice(-200) || undefined)
}

async function watch(run: Run, random: SeededRandom, begun: number, say: (line: string) => void): Promise<void> {
  const blow = faultScript(run.environment.upstream, random)
  blow(0)
  while (!run.isOver) {
    await Promise.race([sleep(run.options.bug ? SNAPSHOT_MS / 2 : SNAPSHOT_MS), run.over.promise])
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

/** Takes a snapshot. A violation that one snapshot found stays in the result. */
async function judge({ takeSnapshot, acknowledged, given, persons, lost, doubled }: Run): ReturnType<TakeSnapshot> {
  const found = await takeSnapshot(acknowledged, given, persons)
  for (const one of found.refreshes.lost) lost.add(one)
  for (const { guestId, said } of found.refreshes.doubled) doubled.set(guestId, said)
  return found
}
