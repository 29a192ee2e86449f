import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { joinedPrograms } from '../../../tools/joined-programs.ts'

export { temporaryFolder } from '../../runtime/test/temporary-folder.ts'

export const launcher = fileURLToPath(new URL('../bin/guestpass.js', import.meta.url))

/**
 * The command of these sources in few files, as in its package: each process of it starts sooner.
 *
 * @param plugins plugins that change the sources. Default: none
 */
export async function joinedCommand(plugins: Parameters<typeof joinedPrograms>[2] = []): Promise<string> {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const folder = await joinedPrograms({ 'dist/main': main }, ['@guestpass/sandbox', 'open'], plugins)
  const entry = join(folder, 'bin/guestpass.js')
  mkdirSync(join(folder, 'bin'))
  copyFileSync(launcher, entry)
  return entry
}
const joined = await joinedCommand()

export interface ExitedCli {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface CliProcess {
  readonly child: ChildProcess
  /** What it has printed on standard output so far. */
  readonly printed: () => string
  /** Standard output up to the first text that matches. */
  matchOnStandardOutput(pattern: RegExp): Promise<string>
  /** What a pattern's first group matches on standard error, or the whole match, as soon as it is there. */
  matchOnStandardError(pattern: RegExp): Promise<string>
  readonly ended: Promise<ExitedCli>
}

/** The variable by which processes of tests share what Node compiled; empty outside of vitest. */
export const compileCache = (({ NODE_COMPILE_CACHE }) => (NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {}))(
  process.env,
)

interface SpawnOptions {
  /** The file that Node runs. Default: the joined command. */
  readonly entry?: string
  /** Standard input. */
  readonly input?: string
  /** The user that the process belongs to. Default: that of this process. */
  readonly uid?: number
  readonly gid?: number
}

/** Starts the command line as a process with nothing in its environment, or on its standard input, but what is given. */
export function spawnCli(
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  { entry = joined, input = '', ...owner }: SpawnOptions = {},
): CliProcess {
  const child = spawn(process.execPath, [entry, ...argv], { cwd, env: { ...compileCache, ...env }, ...owner })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  // It may end without having read what it was given.
  child.stdin.on('error', () => undefined).end(input)
  const ended = new Promise<ExitedCli>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
  const seen = (pattern: RegExp, stream: Readable, find: () => string | undefined): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find()
        if (found !== undefined) resolve(found)
      }
      stream.on('data', look)
      child.on('close', () => reject(new Error(`it ended without printing ${pattern}: ${out}${err}`)))
      look()
    })
  return {
    child,
    printed: () => out,
    matchOnStandardOutput: (pattern) => seen(pattern, child.stdout, () => (pattern.test(out) ? out : undefined)),
    matchOnStandardError(pattern) {
      return seen(pattern, child.stderr, () => {
        const [all, group = all] = pattern.exec(err) ?? []
        return group
      })
    },
    ended,
  }
}
