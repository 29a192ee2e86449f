/**
 * Runs instances of the service on one PostgreSQL database while they are killed and paused, and the database is
 * restarted: `npm run instances -- --seconds 60 --seed 7 --instances 2`. Exits with 0 only if nothing was lost or
 * doubled, the audit chain is valid, and readiness followed the database within 2 s. `--settle 0` ends at once, and
 * checks nothing that is under way; `--every 2000` kills or pauses every 2 to 4 s.
 */
import { parseArgs } from 'node:util'
import { joinedCommand } from '../../packages/cli/test/spawn-cli.ts'
import { exitOnSignals } from '../kill-at-exit.ts'
import { ensureDebianBinaries, INSTALL } from '../postgres/server.ts'
import { changedLine, changingPlugin } from '../seeded-bugs/changed-lines.ts'
import { wholeNumber } from '../whole-number.ts'
import { figureLines, isRight } from './figures.ts'
import { runInstances } from './instances.ts'

exitOnSignals()
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    instances: { type: 'string', default: '2' },
    clients: { type: 'string', default: '8' },
    settle: { type: 'string', default: '90' },
    every: { type: 'string', default: '2000' },
    bug: { type: 'string' },
  },
})
const { bug } = values
const whole = (name: Exclude<keyof typeof values, 'bug'>): number => wholeNumber(name, values[name])
const bin = ensureDebianBinaries()

if (bin === undefined) {
  console.log(`skipped: PostgreSQL is not installed. Install it with: ${INSTALL}`)
} else {
  const [seconds, seed, instances, clients] = [whole('seconds'), whole('seed'), whole('instances'), whole('clients')]
  console.log(`seed ${seed}: ${instances} instances, ${clients} clients, ${seconds} s${bug ? `, bug ${bug}` : ''}`)
  const settleMs = whole('settle') * 1_000
  const every = whole('every')
  const run = await runInstances({
    bin,
    seconds,
    seed,
    instances,
    clients,
    settleMs,
    entry: bug === undefined ? undefined : await joinedCommand([changingPlugin(changedLine('instances', bug))]),
    everyMs: [every, every * 2],
    downMs: [500, 1_500],
    // Longer than the lease of a renewal, of 5 s.
    pauseMs: [6_000, 8_000],
    // Longer than the leases of Idempotency-Keys and of webhooks, of 30 and 45 s.
    longPauseMs: settleMs > 50_000 ? 47_000 : 0,
  })
  for (const line of figureLines(run)) console.log(line)
  const passed = isRight(run, { open: settleMs === 0 })
  console.log(passed ? '0 lost, 0 doubled, audit chain valid' : 'FAILED: see above')
  process.exitCode = passed ? 0 : 1
}
