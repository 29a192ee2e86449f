/**
 * Runs processes that refresh sign-ins and guests by refresh tokens that each use spends, while they are
 * killed and paused, the network fails before they send, the disk is full and clocks are wrong: `npm run
 * rotation -- --profile strict --events 1000 --seed 7`. With `-- --processes 64 --seconds 60`, many use one
 * connection and nothing else happens. `--database postgres` runs it on a PostgreSQL server of its own. Exits with 0
 * only if nothing was lost, undeclared, silent or doubled.
 */
import { parseArgs } from 'node:util'
import { bugs } from '../events/bugs.ts'
import { availableClasses } from '../events/available-classes.ts'
import { eventClasses, parseMix } from '../events/event-plan.ts'
import { holds } from './invariant-report.ts'
import { failPoints } from '../fail-points.ts'
import { unresolvedPhases, phases } from '../phases.ts'
import { type RotationResult, rotation } from './rotation.ts'
import { chosenDatabase, classesOn } from '../run-database.ts'
import { wholeNumber } from '../../whole-number.ts'
import type { Api } from './tested-connection.ts'

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: 'strict' },
    api: { type: 'string', default: 'both' },
    events: { type: 'string' },
    mix: { type: 'string', default: eventClasses.join(',') },
    kills: { type: 'string' },
    seconds: { type: 'string', default: '0' },
    processes: { type: 'string', default: '8' },
    connections: { type: 'string' },
    settle: { type: 'string', default: '330' },
    'pause-at': { type: 'string' },
    faults: { type: 'string', default: 'on' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    bug: { type: 'string' },
    database: { type: 'string', default: 'sqlite' },
  },
})

const whole = (name: keyof typeof values, byDefault: number): number => {
  const text = values[name]
  return text === undefined ? byDefault : wholeNumber(name, text)
}
const apisOf: Readonly<Record<string, readonly [Api, ...Api[]]>> = {
  both: ['grant', 'engagements'],
  grant: ['grant'],
  engagements: ['engagements'],
}
const { profile, bug } = values
const apis = apisOf[values.api]
if (profile !== 'strict' && profile !== 'grace') throw new TypeError('--profile is strict or grace')
if (!apis) throw new TypeError('--api is grant, engagements or both')
if (bug !== undefined && !bugs.some((one) => one === bug)) throw new TypeError(`--bug is one of ${bugs.join(', ')}`)
const pauseAt = failPoints.find((one) => one === values['pause-at'])
if (pauseAt !== values['pause-at']) throw new TypeError(`--pause-at is one of ${failPoints.join(', ')}`)
const on = chosenDatabase(values.database)
const mix = availableClasses(classesOn(on, values.kills === undefined ? parseMix(values.mix) : ['kills']), console.log)
const events = whole('kills', whole('events', 0))
const numbers = {
  events,
  seconds: whole('seconds', 0),
  processes: whole('processes', 8),
  connections: whole('connections', events > 0 ? 32 : 1),
  seed: whole('seed', 0),
  settlingMs: whole('settle', 330) * 1_000,
}

type Figure = readonly [name: string, value: number]

const killLines = (killsAt: RotationResult['killsAt']): readonly Figure[] => [
  ...phases.map((phase): Figure => [`  ${phase}`, killsAt[phase] ?? 0]),
  ['kills between intent and commit', unresolvedPhases.reduce((sum, phase) => sum + (killsAt[phase] ?? 0), 0)],
]

const eventLines = ({ counts, killsAt, unsent }: RotationResult): readonly Figure[] => [
  ['events', mix.reduce((sum, one) => sum + counts[one], 0)],
  ...mix.flatMap((one): readonly Figure[] => [[one, counts[one]], ...(one === 'kills' ? killLines(killsAt) : [])]),
  ...Object.entries(unsent).flatMap(([kind, { faults, affected }]): readonly Figure[] => [
    [`  ${kind}`, faults],
    ...(affected > 0 ? [[`  ${kind}, connections affected`, affected] as const] : []),
  ]),
]

const figures = (result: RotationResult): readonly Figure[] => [
  ...(events > 0 ? eventLines(result) : []),
  ['refreshes that took effect upstream', result.effects],
  ['refreshes completed in the store', result.completed],
  ['refreshes whose token came after its end', result.late],
  ['answers given again by upstream in its grace', result.replayed],
  ['tokens given to workers', result.given],
  ['answers that were lost on the way', result.lostAnswers],
  ['lost answers, recorded as in doubt', result.inDoubt],
  ['refresh tokens presented once more, declared', result.lastResorts],
  ['sign-ins and guests that upstream ended', result.ended],
  ['sign-ins and guests begun again', result.restarted],
  ['refresh tokens presented twice, undeclared', result.undeclared],
  ['refreshes lost silently', result.silent],
  ['generations given out twice', result.doubled],
  ['acknowledged tokens lost', result.lost],
  ['doubts and ends without a cause', result.withoutCause],
  ['connections not served at the end', result.unserved],
  ['the longest wait at the end, in ms', result.settledMs],
  ...Object.entries(result.errors).map(([code, count]): Figure => [`workers that reported ${code}`, count]),
  ['seconds', Math.round(result.seconds)],
]

console.log(
  `seed ${numbers.seed}: ${profile}, ${values.api}, ${numbers.processes} processes, ${numbers.connections} connections, ${events} events of ${mix.join(', ')}, on ${on}${bug ? `, bug ${bug}` : ''}`,
)
const result = await rotation(
  { profile, apis, mix, on, bug, pauseAt, faults: values.faults !== 'off', ...numbers },
  console.log,
)
for (const [name, value] of figures(result)) console.log(`${name.padEnd(48)} ${String(value).padStart(8)}`)
for (const line of result.presentations.slice(0, 10)) console.log(line)
const isRight = holds(result, profile) && result.withoutCause + result.unserved === 0
console.log(isRight ? '0 lost, 0 undeclared, 0 silent, 0 doubled' : 'FAILED: see above')
process.exitCode = isRight ? 0 : 1
