import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { joinedPrograms } from '../../../../tools/joined-programs.ts'

const ACTIONS = 'store-actions'

export interface Child {
  readonly process: ChildProcess
  /** Everything that it said, line by line, when it has ended; also what it wrote to the error stream. */
  readonly lines: Promise<string[]>
  /** Resolves at its first line. */
  readonly begun: Promise<void>
}

/** Starts a process that acts on the store in a folder. */
export const child = (verb: string, folder: string, amount = 1): Child => program(ACTIONS, verb, folder, String(amount))

const sources = globSync(join(import.meta.dirname, 'children/*.ts'))
const joined = await joinedPrograms(Object.fromEntries(sources.map((source) => [basename(source, '.ts'), source])))
const pathOf = (name: string): string => join(joined, `${name}.js`)

/** Starts a program of children/. */
export function program(name: string, ...args: readonly string[]): Child {
  const started = spawn(process.execPath, [pathOf(name), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  const begun = new Promise<void>((resolve) => {
    started.stdout.once('data', () => resolve())
    started.once('close', () => resolve())
  })
  for (const stream of [started.stdout, started.stderr]) stream.on('data', (bytes: Buffer) => said.push(bytes))
  const lines = new Promise<string[]>((resolve, reject) => {
    started.once('error', reject)
    // A line cut short by a kill was not acknowledged.
    started.once('close', () => resolve(Buffer.concat(said).toString('utf8').split('\n').slice(0, -1)))
  })
  return { process: started, lines, begun }
}

/** What several processes said that were started at once. */
export const together = (count: number, verb: string, folder: string, amount = 1): Promise<string[][]> =>
  Promise.all(Array.from({ length: count }, () => child(verb, folder, amount).lines))

/** Acts on the store of a folder in another process, while this one is blocked. */
export function meanwhile(verb: string, folder: string, amount = 1): string[] {
  const { stdout } = spawnSync(process.execPath, [pathOf(ACTIONS), verb, folder, String(amount)], { encoding: 'utf8' })
  return stdout.split('\n').slice(0, -1)
}
