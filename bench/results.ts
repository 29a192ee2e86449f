import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform } from 'node:os'
import { join } from 'node:path'
import type { Found } from './found.ts'

const file = join(import.meta.dirname, 'results.json')

/** What came of a measure, with the facts of the run. */
export interface Measured {
  readonly at: string
  readonly machine: Machine
  readonly peers: Readonly<Record<string, string>>
  readonly figures: readonly Found[]
}

interface Machine {
  readonly node: string
  readonly cores: number
  readonly processor: string
  readonly platform: string
  readonly load: number
}

/** This machine, as it is now. */
export const machine = (): Machine => ({
  node: process.version,
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? 'unknown',
  platform: `${platform()} ${arch()}`,
  load: Number((loadavg()[0] ?? 0).toFixed(1)),
})

/** The last results of each measure, by its id. */
export const results = (): Readonly<Record<string, Measured>> =>
  existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { measures: Readonly<Record<string, Measured>> }).measures
    : {}

/** Keeps the results of a measure in results.json, in place of the last ones. */
export function keepResults(id: string, measured: Measured): void {
  const measures = { ...results(), [id]: measured }
  writeFileSync(file, `${JSON.stringify({ measures }, undefined, 2)}\n`)
}
