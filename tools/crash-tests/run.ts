/**
 * Runs processes that refresh guest tokens and create guests, while they are killed and paused, the network
 * fails before they send, the disk is full and clocks are wrong: `npm run crash-tests -- --events 1000 --seed
 * 7`. `--database postgres` runs it on a PostgreSQL server of its own. Exits with 0 only if nothing was lost or done
 * twice.
 */
import { parseArgs } from 'node:util'
import { availableClasses } from './events/available-classes.ts'
import { bugs } from './events/bugs.ts'
import { eventClasses, parseMix } from './events/event-plan.ts'
import { chosenDatabase, classesOn } from './run-database.ts'
import { wholeNumber } from '../whole-number.ts'
import { summary, verdict } from './summary.ts'
import { crashTest } from './crash-test.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100' },
    mix: { type: 'string', default: eventClasses.join(',') },
    kills: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    guests: { type: 'string', default: '80' },
    lives: { type: 'string', default: '6-40' },
    keepers: { type: 'string', default: '2' },
    refreshers: { type: 'string', default: '3' },
    creators: { type: 'string', default: '3' },
    bug: { type: 'string' },
    database: { type: 'string', default: 'sqlite' },
  },
})

const [shortest = '', longest = shortest] = values.lives.split('-')
const known = ['fresh-key', ...bugs]
if (values.bug !== undefined && !known.includes(values.bug)) throw new TypeError(`--bug is one of ${known.join(', ')}`)
const on = chosenDatabase(values.database)
const mix = availableClasses(classesOn(on, values.kills === undefined ? parseMix(values.mix) : ['kills']), console.log)
const options = {
  events: wholeNumber('events', values.kills ?? values.events),
  mix,
  on,
  seed: wholeNumber('seed', values.seed),
  guests: wholeNumber('guests', values.guests),
  lives: [wholeNumber('lives', shortest), wholeNumber('lives', longest)],
  keepers: wholeNumber('keepers', values.keepers),
  refreshers: wholeNumber('refreshers', values.refreshers),
  creators: wholeNumber('creators', values.creators),
  bug: values.bug,
} as const

const { events, seed, guests, keepers, refreshers, creators, bug } = options
console.log(
  `seed ${seed}: ${events} events of ${mix.join(', ')}; ${guests} guests, lives of ${values.lives} s, on ${on}${bug ? `, bug ${bug}` : ''}`,
)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
const result = await crashTest({ ...options, signal: stop.signal }, console.log)
for (const line of summary(result)) console.log(line)
console.log(
  `again: npm run crash-tests -- --events ${events} --mix ${mix.join(',')} --database ${on} --seed ${seed} --guests ${guests} --lives ${values.lives} --keepers ${keepers} --refreshers ${refreshers} --creators ${creators}`,
)
process.exitCode = verdict(result) ? 0 : 1
