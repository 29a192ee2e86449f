/**
 * Measures Guestpass against its peers: `npm run bench`, `npm run bench -- P1 P3`. Measured are the packages as they are published, built
 * and packed anew where the sources have changed. Prints a table for each race and a line for each target, and keeps the results in
 * bench/results.json.
 *
 * - `--quick`: fewer and shorter rounds, to see that it works; its results are not kept.
 * - `--source`: measures the sources, which needs no build; its results are not kept either.
 * - `--tables`: measures nothing, and writes the last results into README.md and docs/benchmarks.md.
 */
import { child } from './child.ts'
import { type Found, foundShown } from './found.ts'
import type { MeasureResult } from './measure.ts'
import { measurePackages, measureSources } from './packages.ts'
import { writeTables } from './pages.ts'
import { installPeers, pinned } from './peers.ts'
import { keepResults, machine, results } from './results.ts'
import { summaryTable } from './summary.ts'
import { verdict } from './targets.ts'

const measures: Readonly<Record<string, string>> = {
  P1: 'p1-cached-token.ts',
  P2: 'p2-verify-cold.ts',
  P3: 'p3-verify-again.ts',
  P4: 'p4-one-expiry.ts',
  P5: 'p5-limited-guests.ts',
  P6: 'p6-service-issue.ts',
  P7: 'p7-live-sessions.ts',
  'P7-PG': 'p7-postgres.ts',
  P8: 'p8-processes.ts',
  P10: 'p10-stored-records.ts',
  P11: 'p11-cost.ts',
  P12: 'p12-cli-start.ts',
}
const OPTIONS: readonly string[] = ['--quick', '--source', '--tables']

/** Runs a measure in its own process. */
async function figuresOf(file: string, args: readonly string[]): Promise<readonly Found[]> {
  const process = child(file, args)
  const { figures } = await process.next<MeasureResult>()
  await process.end()
  return figures
}

async function measureAll(ids: readonly string[], options: readonly string[]): Promise<void> {
  const found: Found[] = []
  for (const id of ids) {
    const figures = await figuresOf(measures[id] as string, options)
    console.log(figures.map(foundShown).join('\n'))
    found.push(...figures)
    if (options.length === 0)
      keepResults(id, { at: new Date().toISOString(), machine: machine(), peers: pinned(), figures })
  }
  const { node, cores, processor, load } = machine()
  console.log(`${summaryTable(found)}\n`)
  console.log(`Node ${node}, ${cores} cores (${processor}), load ${load}${options.map((one) => `; ${one}`).join('')}\n`)
  for (const target of found.flatMap(({ targets }) => targets)) console.log(verdict(target))
}

const args = process.argv.slice(2)
const options = args.filter((arg) => arg.startsWith('--'))
const named = args.filter((arg) => !arg.startsWith('--')).map((arg) => arg.toUpperCase())
const unknown = [...named.filter((id) => !(id in measures)), ...options.filter((option) => !OPTIONS.includes(option))]
if (unknown.length > 0) {
  console.error(
    `Not known: ${unknown.join(', ')}. Usage: npm run bench -- [${Object.keys(measures).join('] [')}] [${OPTIONS.join('] [')}]`,
  )
  process.exitCode = 2
} else if (options.includes('--tables')) writeTables(results())
else {
  installPeers()
  if (options.includes('--source')) measureSources()
  else measurePackages()
  await measureAll(named.length > 0 ? named : Object.keys(measures), options)
}
