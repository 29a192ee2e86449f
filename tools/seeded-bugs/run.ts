/**
 * Runs each suite with a seeded bug, and checks that its invariant finds the bug: `npm run seeded-bugs`. Prints a table. Exits with 1 if a
 * bug was not caught. `-- --only rotation` or `--only fresh-key` runs some of them; `--results FILE` writes the outcomes as JSON.
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { runSuite } from '../crash-tests/suite-run.ts'
import { programs, type SeededBug, seededBugs } from './bugs.ts'
import { judge, type Outcome, table } from './outcome.ts'

/** One more than the cores: the suites often wait for leases and timers. */
const AT_ONCE = Math.min(4, availableParallelism() + 1)

const { values } = parseArgs({ options: { only: { type: 'string' }, results: { type: 'string' } } })
const chosen = seededBugs.filter(
  ({ suite, bug }) => values.only === undefined || [suite, bug, `${suite}:${bug}`].includes(values.only),
)
if (chosen.length === 0) throw new TypeError(`--only names no suite and no bug: ${values.only}`)

async function outcomeOf(seeded: SeededBug): Promise<Outcome> {
  const { suite, bug, args, unavailable } = seeded
  const fault = unavailable?.()
  if (fault !== undefined) return { suite, bug, status: 'skipped', reason: fault, seconds: 0 }
  const started = Date.now()
  const run = await runSuite(programs[suite], '--bug', bug, ...args.split(' '))
  const verdict = judge(seeded, run)
  if (verdict.status !== 'caught') console.log(run.output)
  return { suite, bug, ...verdict, seconds: (Date.now() - started) / 1_000 }
}

const waiting = [...chosen]
const outcomes: Outcome[] = []
async function work(): Promise<void> {
  for (let seeded = waiting.shift(); seeded !== undefined; seeded = waiting.shift()) {
    outcomes.push(await outcomeOf(seeded))
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, work))

for (const line of table(outcomes)) console.log(line)
const count = (status: Outcome['status']): number => outcomes.filter((one) => one.status === status).length
console.log(`${count('caught')} caught, ${count('not caught')} not caught, ${count('skipped')} skipped`)
if (values.results !== undefined) writeFileSync(values.results, JSON.stringify(outcomes))
process.exitCode = count('not caught') === 0 ? 0 : 1
