/**
 * Lets the database of a service under load fail in each way, again and again: `npm run outages -- --times 20 --seed
 * 7`. Exits with 0 only if the same process goes on, readiness follows within 2 s, callers get answers that may be
 * repeated, and nothing is lost or doubled; and if a failover to an asynchronous standby, which lacks commits, is found
 * to lose them. `--only failover` runs one way.
 */
import { parseArgs } from 'node:util'
import { exitOnSignals } from '../kill-at-exit.ts'
import { ensureDebianBinaries, INSTALL } from '../postgres/server.ts'
import { wholeNumber } from '../whole-number.ts'
import { figureLines, violations } from './figures.ts'
import { outageKinds, type OutageName } from './kinds.ts'
import { runLossyFailover, runOutages } from './outages.ts'

exitOnSignals()
const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', multiple: true },
  },
})
const names = Object.keys(outageKinds) as readonly OutageName[]
const { only = names } = values
const chosen = names.filter((name) => only.includes(name))
if (chosen.length < only.length) throw new TypeError(`--only is one of ${names.join(', ')}`)
const bin = ensureDebianBinaries()

if (bin === undefined) {
  console.log(`skipped: PostgreSQL is not installed. Install it with: ${INSTALL}`)
} else {
  const seed = wholeNumber('seed', values.seed)
  const times = wholeNumber('times', values.times)
  console.log(`seed ${seed}: ${chosen.join(', ')}; ${times} times each, and a long one`)
  const run = await runOutages({ bin, seed, names: chosen, times, withLong: true })
  for (const line of figureLines(run)) console.log(line)
  const lossy = await runLossyFailover(bin, seed)
  console.log(`asynchronous standby that lacks commits: ${lossy.lost.length} lost of ${lossy.acknowledged}`)
  const isRight = violations(run).length === 0 && lossy.lost.length > 0
  console.log(isRight ? '0 lost, 0 doubled, same process' : 'FAILED: see above')
  process.exitCode = isRight ? 0 : 1
}
