/**
 * Kills processes that refresh guest tokens, over and over, and counts what was lost or done twice:
 * `npm run torture -- --kills 1000 --seed 7`. Exits with 0 only when there was none of either.
 */
import { parseArgs } from 'node:util'
import { summary, verdict } from './summary.ts'
import { torture } from './torture.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    guests: { type: 'string', default: '80' },
    lives: { type: 'string', default: '6-40' },
    keepers: { type: 'string', default: '2' },
    refreshers: { type: 'string', default: '4' },
    stops: { type: 'string' },
    bug: { type: 'string' },
  },
})

const whole = (name: string, text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new TypeError(`--${name} is not a whole number: ${text}`)
}
const [shortest = '', longest = shortest] = values.lives.split('-')
if (values.bug !== undefined && values.bug !== 'fresh-key') throw new TypeError('--bug knows only fresh-key')
const kills = whole('kills', values.kills)
const options = {
  kills,
  seed: whole('seed', values.seed),
  guests: whole('guests', values.guests),
  lives: [whole('lives', shortest), whole('lives', longest)],
  keepers: whole('keepers', values.keepers),
  refreshers: whole('refreshers', values.refreshers),
  stops: values.stops === undefined ? Math.floor(kills / 100) : whole('stops', values.stops),
  bug: values.bug,
} as const

const again = `npm run torture -- --kills ${kills} --seed ${options.seed} --guests ${options.guests} --lives ${values.lives}`
console.log(
  `seed ${options.seed}: ${kills} kills, ${options.guests} guests, lives of ${values.lives} s${options.bug ? `, bug ${options.bug}` : ''}`,
)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
const outcome = await torture({ ...options, signal: stop.signal }, console.log)
for (const line of summary(outcome)) console.log(line)
console.log(`again: ${again}`)
process.exitCode = verdict(outcome) ? 0 : 1
