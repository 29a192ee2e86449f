/**
 * Measures Guestpass against its peers: `npm run bench`, `npm run bench -- P1 P3`, `npm run bench -- --quick`. Installs the
 * peers when they are not there, prints a table for each race and a line for each target, and writes bench/results.json.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform } from 'node:os'
import { join } from 'node:path'
import { child } from './child.ts'
import { summary } from './figures.ts'
import { type Found, foundShown, isRace, type Told } from './measure.ts'
import { verdict } from './targets.ts'

const here = import.meta.dirname
const measures: Readonly<Record<string, string>> = {
  P1: 'p1-cached-token.ts',
  P2: 'p2-verify-cold.ts',
  P3: 'p3-verify-again.ts',
  P4: 'p4-one-expiry.ts',
  P5: 'p5-limited-guests.ts',
  P7: 'p7-live-sessions.ts',
  P11: 'p11-cost.ts',
}

/** What results.json holds. */
interface Results {
  readonly measures: Readonly<Record<string, Measured>>
}

interface Measured {
  readonly at: string
  readonly quick: boolean
  readonly machine: ReturnType<typeof machine>
  readonly peers: Readonly<Record<string, string>>
  readonly figures: readonly Found[]
}

const machine = () => ({
  node: process.version,
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? 'unknown',
  platform: `${platform()} ${arch()}`,
  load: Number((loadavg()[0] ?? 0).toFixed(1)),
})

/** The peers as package.json pins them. */
const pinned = (): Readonly<Record<string, string>> => dependenciesOf(join(here, 'package.json'))

const dependenciesOf = (file: string): Record<string, string> =>
  (JSON.parse(readFileSync(file, 'utf8')) as { dependencies: Record<string, string> }).dependencies

function isInstalled([name, version]: [string, string]): boolean {
  const file = join(here, 'node_modules', name, 'package.json')
  return existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version === version
}

function installPeers(): void {
  if (Object.entries(pinned()).every(isInstalled)) return
  console.error('Installing the peers …')
  const { status } = spawnSync('npm', ['ci', '--prefix', here, '--ignore-scripts', '--no-audit', '--no-fund'], {
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error('npm ci --prefix bench failed: the peers are fetched from the npm registry')
}

/** Runs a measure in its own process. */
async function measured(file: string, args: readonly string[]): Promise<readonly Found[]> {
  const process = child(file, args)
  const { figures } = await process.next<Told>()
  await process.end()
  return figures
}

function earlier(file: string): Results['measures'] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results).measures : {}
}

const args = process.argv.slice(2)
const quick = args.includes('--quick')
const named = args.filter((arg) => !arg.startsWith('--')).map((arg) => arg.toUpperCase())
const unknown = [
  ...named.filter((id) => !(id in measures)),
  ...args.filter((arg) => arg.startsWith('--') && arg !== '--quick'),
]
if (unknown.length > 0) {
  console.error(
    `Not known: ${unknown.join(', ')}. Usage: npm run bench -- [${Object.keys(measures).join('] [')}] [--quick]`,
  )
  process.exit(2)
}

installPeers()
const file = join(here, 'results.json')
const found: Found[] = []
for (const id of named.length > 0 ? named : Object.keys(measures)) {
  const figures = await measured(measures[id] as string, quick ? ['--quick'] : [])
  console.log(figures.map(foundShown).join('\n'))
  found.push(...figures)
  const entry: Measured = { at: new Date().toISOString(), quick, machine: machine(), peers: pinned(), figures }
  writeFileSync(file, `${JSON.stringify({ measures: { ...earlier(file), [id]: entry } } satisfies Results, null, 2)}\n`)
}

const { node, cores, processor, load } = machine()
const races = found.filter(isRace)
if (races.length > 0) console.log(`${summary(races)}\n`)
console.log(`Node ${node}, ${cores} cores (${processor}), load ${load}${quick ? '; quick run' : ''}\n`)
for (const target of found.flatMap(({ targets }) => targets)) console.log(verdict(target))
