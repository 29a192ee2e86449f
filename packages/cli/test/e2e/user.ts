import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { withoutUpstream } from '../../../../tools/secrets-canary/findings.ts'
import { runInProcess } from '../run-in-process.ts'
import { type ExitedCli, temporaryFolder, type CliProcess, spawnCli } from '../spawn-cli.ts'

type Variables = Readonly<Record<string, string>>

interface RunOptions {
  readonly env?: Variables
  /** Standard input. */
  readonly input?: string
}

/** A user at a terminal: a folder, an environment, and everything that was printed there. */
export interface User {
  readonly cwd: string
  /** Runs a command line as a process. */
  start(line: string, options?: RunOptions): CliProcess
  /** Runs a command line, its words separated by blanks, to its end. */
  run(line: string, options?: RunOptions): Promise<ExitedCli>
  /** The one JSON document that the command line prints with --json, and its exit code. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows the document
  runJson<T = Record<string, unknown>>(line: string, options?: RunOptions): Promise<{ code: number | null; said: T }>
  /** Runs it plainly and with --json; it must fail in both, with this exit code and this code of error. Gives what was said. */
  expectFailure(line: string, exit: number, code: string, options?: RunOptions): Promise<Failure>
  /** What of these is in clear anywhere: in outputs of runs without --reveal or --raw, exports left out, or in files of the folder. */
  leaks(secrets: readonly string[]): readonly string[]
  removeFolder(): void
}

export interface Problem {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly retryAt?: string
  readonly reason?: string
  readonly fields?: readonly { readonly field: string; readonly message: string; readonly remedy: string }[]
  readonly upstream?: { readonly status: number; readonly code?: string; readonly requestId?: string }
}

interface Failure {
  readonly problem: Problem
  /** What people read. */
  readonly text: string
}

/** How the tokens of these tests begin: a header whose first member is `alg`. Three letters alone would meet chance. */
export const JWS = 'eyJhbGciOi'

/** Lines of a stack trace, or an error without a message of its own. */
const TRACE = /^\s+at .*[(:]|node:internal|Unforeseen/m

export function user(env: Variables = {}, files: Variables = {}): User {
  const { cwd, remove } = temporaryFolder(files)
  const printed: string[] = []

  const words = (line: string): readonly string[] => line.split(' ').filter((word) => word !== '')
  const recorded = (line: string, said: ExitedCli): ExitedCli => {
    const isExport = line.startsWith('guest export')
    if (!isExport && !words(line).some((word) => ['--reveal', '--raw'].includes(word)))
      printed.push(withoutUpstream(said.out), said.err)
    return said
  }

  function start(line: string, { env: more, input = '' }: RunOptions = {}): CliProcess {
    const child = spawnCli(words(line), cwd, { ...env, ...more }, { input })
    return { ...child, ended: child.ended.then((said) => recorded(line, said)) }
  }

  async function run(line: string, { env: more, input = '' }: RunOptions = {}): Promise<ExitedCli> {
    const ended = recorded(line, await runInProcess(words(line), cwd, { ...env, ...more }, input))
    expect(ended.out + ended.err).not.toMatch(TRACE)
    return ended
  }

  const ask: User['runJson'] = async (line, options) => {
    const { code, out } = await run(`${line} --json`, options)
    expect(out).toMatch(/^[^\n]+\n$/)
    return { code, said: JSON.parse(out) }
  }

  return {
    cwd,
    start,
    run,
    runJson: ask,
    async expectFailure(line, exit, code, options) {
      const plain = await run(line, options)
      const json = await ask<Problem>(line, options)
      expect({ exit: plain.code, out: plain.out, json: json.code, code: json.said.code }).toEqual({
        exit,
        out: '',
        json: exit,
        code,
      })
      expect(plain.err).toContain(`[${code}]`)
      return { problem: json.said, text: plain.err }
    },
    leaks(secrets) {
      const contents = readdirSync(cwd, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
      const places = [...printed, ...contents]
      return secrets.filter((secret) => places.some((place) => place.includes(secret)))
    },
    removeFolder: remove,
  }
}

/** Works through a list, so many at a time: each is a process. */
export async function forEachConcurrently<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  atOnce = 4,
): Promise<void> {
  const left = [...items]
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
