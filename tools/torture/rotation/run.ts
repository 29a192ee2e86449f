/**
 * Kills processes that renew one sign-in by its rotating refresh token, over and over:
 * `npm run rotation -- --profile strict --kills 1000 --seed 7`, or lets many hammer it: `-- --processes 64 --seconds 60`. Exits with 0 only when
 * no refresh token was presented twice undeclared and nothing was lost silently; against a server with grace, nothing at all.
 */
import { parseArgs } from 'node:util'
import { holds } from './findings.ts'
import { between, phases } from './phases.ts'
import { type Outcome, rotation } from './rotation.ts'

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: 'strict' },
    kills: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '0' },
    processes: { type: 'string', default: '8' },
    connections: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    bug: { type: 'string' },
  },
})

const whole = (name: 'kills' | 'seconds' | 'processes' | 'connections' | 'seed', otherwise?: number): number => {
  if (values[name] === undefined && otherwise !== undefined) return otherwise
  if (/^\d{1,9}$/.test(values[name] ?? '')) return Number(values[name])
  throw new TypeError(`--${name} is not a whole number: ${values[name]}`)
}
const { profile, bug } = values
if (profile !== 'strict' && profile !== 'grace') throw new TypeError('--profile is strict or grace')
if (bug !== undefined && bug !== 'no-intent') throw new TypeError('--bug knows only no-intent')
const kills = whole('kills')
const numbers = {
  kills,
  seconds: whole('seconds'),
  processes: whole('processes'),
  connections: whole('connections', kills > 0 ? 32 : 1),
  seed: whole('seed'),
}

type Figure = readonly [name: string, value: number]

const killLines = ({ kills, killsAt }: Outcome): readonly Figure[] => [
  ['kills', kills],
  ...phases.map((phase): Figure => [`  ${phase}`, killsAt[phase] ?? 0]),
  ['kills between intent and commit', between.reduce((sum, phase) => sum + (killsAt[phase] ?? 0), 0)],
]

const figures = (outcome: Outcome): readonly Figure[] => [
  ...(kills > 0 ? killLines(outcome) : []),
  ['refreshes that took effect upstream', outcome.effects],
  ['refreshes completed in the store', outcome.completed],
  ['refreshes whose token came after its end', outcome.late],
  ['answers given again by upstream in its grace', outcome.replayed],
  ['tokens given to workers', outcome.given],
  ['lost answers, told as in doubt', outcome.inDoubt],
  ['refresh tokens presented once more, declared', outcome.lastResorts],
  ['sign-ins that upstream ended', outcome.ended],
  ['sign-ins begun again', outcome.signIns],
  ['refresh tokens presented twice, undeclared', outcome.undeclared],
  ['refreshes lost silently', outcome.silent],
  ['acknowledged tokens lost', outcome.lost],
  ...Object.entries(outcome.errors).map(([code, count]): Figure => [`workers that were told ${code}`, count]),
  ['seconds', Math.round(outcome.seconds)],
]

console.log(
  `seed ${numbers.seed}: ${profile}, ${numbers.processes} processes, ${numbers.connections} connections, ${kills} kills${bug ? `, bug ${bug}` : ''}`,
)
const outcome = await rotation({ profile, bug, ...numbers }, console.log)
for (const [name, value] of figures(outcome)) console.log(`${name.padEnd(48)} ${String(value).padStart(8)}`)
const isRight = holds(outcome, profile)
console.log(isRight ? 'nothing was presented twice undeclared, nothing was lost silently' : 'FAILED: see above')
process.exitCode = isRight ? 0 : 1
