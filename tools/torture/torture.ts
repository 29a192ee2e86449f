import { setTimeout as sleep } from 'node:timers/promises'
import type { IssuedGuest } from '@guestpass/core'
import { type Crew, crew, type Ended } from './crew.ts'
import { type Fate, keeperFate, modulesOf, refresherFate, standstill, suffer } from './fate.ts'
import type { Acknowledged, Findings } from './findings.ts'
import { type Look, look } from './look.ts'
import { luck, type Luck } from './luck.ts'
import { freshKeyModule, points, SIGN } from './points.ts'
import { type Scene, scene, type SceneOptions } from './scene.ts'
import { settled } from './settled.ts'
import { weather } from './weather.ts'

export interface TortureOptions extends SceneOptions {
  readonly kills: number
  readonly seed: number
  /** Processes that keep, and processes that refresh once, at the same time. */
  readonly keepers: number
  readonly refreshers: number
  /** How often a keeper stands still for longer than its lease. */
  readonly stops: number
  /** Breaks the workers on purpose; the run ends when that has shown. */
  readonly bug?: 'fresh-key' | undefined
  /** Ends the run early, with what was found until then. */
  readonly signal?: AbortSignal | undefined
}

/** What a run did, and what was found after it. */
export interface Outcome extends Omit<Findings, 'doubled'> {
  /** One line for each guest of which a refresh took effect twice. */
  readonly doubled: readonly string[]
  readonly kills: number
  /** Tokens that were given to somebody. */
  readonly acknowledged: number
  /** How many of the kills hit the worker at each point; the others came at a random moment. */
  readonly killsAt: Readonly<Record<string, number>>
  readonly stops: number
  readonly seconds: number
  /** Workers that ended by themselves with an error, by its code. */
  readonly failures: Readonly<Record<string, number>>
  /** Guests that could not be given a valid token at the end. */
  readonly withoutToken: readonly string[]
  readonly orphans: number
}

/** How often a look is taken while it runs, in milliseconds. */
const LOOK_MS = 2_500
/** How long a refresh that was cut short is left alone, so that the next one need not wait long for its lease. */
const HEALING_MS = 5_000

interface Run {
  readonly options: TortureOptions
  readonly scene: Scene
  readonly crew: Crew
  readonly look: Look
  readonly acknowledged: Acknowledged[]
  /** What any look has found. */
  readonly lost: Set<string>
  /** By guest. */
  readonly doubled: Map<string, string>
  readonly killsAt: Record<string, number>
  readonly failures: Record<string, number>
  /** Guests whose refresh was cut short, and from when on it is tried again. */
  readonly wounded: { readonly id: string; readonly from: number }[]
  kills: number
  stops: number
  /** How long a one-shot takes when nothing happens to it. */
  typicalMs: number
  enough: boolean
}

/** Kills workers that refresh guest tokens, over and over, and says what came of it. */
export async function torture(options: TortureOptions, say: (line: string) => void): Promise<Outcome> {
  const begun = Date.now()
  const chance = luck(options.seed)
  const place = await scene(options, chance.of('scene'))
  const run: Run = {
    options,
    scene: place,
    crew: crew(place.cwd, place.env),
    look: look(place),
    acknowledged: place.issued.map(acknowledgedOf),
    lost: new Set(),
    doubled: new Map(),
    killsAt: {},
    failures: {},
    wounded: [],
    kills: 0,
    stops: 0,
    typicalMs: 800,
    enough: false,
  }
  try {
    const slots = [
      ...Array.from({ length: options.keepers }, (_, at) => keeping(run, chance.of(`keeper ${at}`), at === 0)),
      ...Array.from({ length: options.refreshers }, (_, at) => refreshing(run, chance.of(`refresher ${at}`))),
    ]
    const working = new AbortController()
    options.signal?.addEventListener('abort', () => {
      run.enough = true
    })
    const looking = watch(run, chance.of('weather'), begun, working.signal, say)
    await Promise.all(slots).finally(() => working.abort())
    await looking
    await run.crew.killAll()
    place.upstream.script([])
    await judge(run)
    const withoutToken = options.bug ? [] : await settled(place)
    const found = await judge(run)
    const { kills, stops, killsAt, failures } = run
    return {
      ...found,
      lost: [...run.lost],
      doubled: [...run.doubled.values()],
      acknowledged: run.acknowledged.length,
      kills,
      killsAt,
      stops,
      failures,
      withoutToken,
      orphans: run.crew.leftOver(),
      seconds: (Date.now() - begun) / 1_000,
    }
  } finally {
    await run.crew.killAll()
    await place.close()
  }
}

const acknowledgedOf = ({ guestId, generation, token }: IssuedGuest): Acknowledged => ({
  guestId,
  generation,
  token: token.reveal(),
})

/** One keeper after another, until there were enough kills. */
async function keeping(run: Run, luck: Luck, stands: boolean): Promise<void> {
  const { kills, stops } = run.options
  while (!run.enough) {
    const still = stands && run.stops < stops && run.kills >= ((run.stops + 0.5) * kills) / stops
    const fate = still ? standstill(luck) : keeperFate(luck, run.typicalMs)
    const ended = await suffer(start(run, ['keep'], fate), fate)
    if (still && ended.err.includes(SIGN)) run.stops += 1
    if (fate.how === 'moment' && fate.all) await run.crew.killAll()
    count(run, fate, ended)
  }
}

/** One refresh after another, each by a process of its own, until there were enough kills. */
async function refreshing(run: Run, luck: Luck): Promise<void> {
  while (!run.enough) {
    const guestId = woundedOne(run) ?? run.scene.issued[luck.whole(0, run.scene.issued.length - 1)]?.guestId ?? ''
    const fate = refresherFate(luck, run.typicalMs)
    const begun = Date.now()
    const ended = await suffer(start(run, ['guest', 'refresh', guestId, '--json', '--reveal'], fate), fate)
    if (fate.how === 'spared' && ended.code === 0) run.typicalMs = 0.8 * run.typicalMs + 0.2 * (Date.now() - begun)
    const answer = answered(ended)
    if (answer) run.acknowledged.push({ guestId, ...answer })
    else if (ended.signal === 'SIGKILL') run.wounded.push({ id: guestId, from: Date.now() + HEALING_MS })
    count(run, fate, ended)
  }
}

function woundedOne(run: Run): string | undefined {
  const [first] = run.wounded
  if (!first || first.from > Date.now()) return undefined
  run.wounded.shift()
  return first.id
}

function start({ crew, options }: Run, argv: readonly string[], fate: Fate) {
  return crew.start(argv, [...(options.bug ? [freshKeyModule] : []), ...modulesOf(fate)])
}

/** The token that a worker printed; a line that was cut short is none, and neither is a problem. */
function answered({ out }: Ended): Omit<Acknowledged, 'guestId'> | undefined {
  if (!out.endsWith('\n')) return undefined
  const { generation, token } = JSON.parse(out) as Partial<Acknowledged>
  return generation === undefined || token === undefined ? undefined : { generation, token }
}

function count(run: Run, fate: Fate, { code, signal, out, err }: Ended): void {
  if (signal === 'SIGKILL') {
    run.kills += 1
    const point = points.find((one) => err.includes(`${SIGN}${one}\n`))
    if (point) tally(run.killsAt, point)
    if (fate.how === 'asked') tally(run.failures, 'no end when asked for it')
  } else if (code !== 0 && fate.how !== 'asked') {
    tally(run.failures, failureOf(out, err) ?? `exit ${code ?? signal}, ${fate.how}`)
  }
  if (run.kills >= run.options.kills) run.enough = true
}

const tally = (counts: Record<string, number>, what: string): void => {
  counts[what] = (counts[what] ?? 0) + 1
}

/** The code of a problem, or what was said when there is none. */
function failureOf(out: string, err: string): string | undefined {
  const code = /"code":"(\w+)"/.exec(out)?.[1] ?? /\[(\w+)\]/.exec(err)?.[1]
  return code ?? (err.trim().slice(-200) || undefined)
}

async function watch(
  run: Run,
  luck: Luck,
  begun: number,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const blow = weather(run.scene.upstream, luck)
  blow(0)
  while (!signal.aborted) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
    const found = await judge(run)
    blow(found.effects)
    const seconds = Math.round((Date.now() - begun) / 1_000)
    say(
      `${String(seconds).padStart(5)} s ${String(run.kills).padStart(6)} kills ${String(found.effects).padStart(6)} refreshes ` +
        `${String(run.acknowledged.length).padStart(6)} acknowledged ${String(run.lost.size).padStart(3)} lost ${String(run.doubled.size).padStart(3)} doubled`,
    )
    if (run.options.bug && run.doubled.size > 0) run.enough = true
  }
}

/** Takes a look; what was wrong once stays wrong, whatever comes after it. */
async function judge({ look, acknowledged, lost, doubled }: Run): Promise<Findings> {
  const found = await look(acknowledged)
  for (const one of found.lost) lost.add(one)
  for (const { guestId, said } of found.doubled) doubled.set(guestId, said)
  return found
}
