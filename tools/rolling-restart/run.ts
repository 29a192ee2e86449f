/**
 * Restarts two instances of the service in turn behind HAProxy, under load: `npm run rolling-restart -- --restarts 5 --clients 8`. Exits
 * with 0 only if no request failed, and each instance ended with 0. `--bug no-drain` is the seeded bug: then requests fail.
 */
import { parseArgs } from 'node:util'
import { wholeNumber } from '../whole-number.ts'
import { exitOnSignals } from '../kill-at-exit.ts'
import { ensureDebianBinaries } from '../postgres/server.ts'
import { ensureProxy, INSTALL } from './proxy.ts'
import { rollingRestart } from './rolling-restart.ts'

exitOnSignals()
const { values } = parseArgs({
  options: {
    restarts: { type: 'string', default: '5' },
    clients: { type: 'string', default: '8' },
    bug: { type: 'string' },
  },
})
const { restarts, clients, bug } = values
if (bug !== undefined && bug !== 'no-drain') throw new TypeError('--bug is no-drain')

if (!ensureProxy()) {
  console.log(`skipped: HAProxy is not installed. Install it with: ${INSTALL}`)
} else {
  const found = await rollingRestart({
    restarts: wholeNumber('restarts', restarts),
    clients: wholeNumber('clients', clients),
    drainSeconds: bug === 'no-drain' ? 0 : 1,
    bin: ensureDebianBinaries(),
  })
  const figures = [
    ['restarts', found.restarts],
    ['requests', found.requests],
    ['requests that failed', found.failures.length],
    ['instances that did not end with 0', found.exits.length],
  ] as const
  for (const [name, value] of figures) console.log(`${name.padEnd(40)} ${String(value).padStart(6)}`)
  for (const failure of new Set(found.failures)) console.log(`  ${failure}`)
  const isRight = found.failures.length === 0 && found.exits.length === 0
  console.log(isRight ? 'no request failed' : 'FAILED: see above')
  process.exitCode = isRight ? 0 : 1
}
