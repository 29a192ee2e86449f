import process from 'node:process'
import manifest from '../package.json' with { type: 'json' }
import { createCommandRunner } from '../src/commands/runner/runner.ts'
import { commandGroups, commands, nextSteps } from '../src/commands/index.ts'
import { watchCommand } from '../../../tools/secrets-canary/findings.ts'
import { type ExitedCli, launcher, temporaryFolder } from './spawn-cli.ts'

let runs = 0

interface RunOptions {
  /** Asks the command to end. */
  readonly signal?: AbortSignal
  /** Gets what is printed, as it is printed. */
  readonly said?: { out: string; err: string }
}

/** Runs the command line to its end in this process, with nothing of it but what is given: a process of its own takes half a second. */
export async function runInProcess(
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  input = '',
  { signal = new AbortController().signal, said = { out: '', err: '' } }: RunOptions = {},
): Promise<ExitedCli> {
  const sink = (name: keyof typeof said) => ({ write: (text: string) => void (said[name] += text) })
  const code = await createCommandRunner(
    commands,
    commandGroups,
    {
      argv,
      env,
      cwd,
      // Like a process of its own.
      pid: process.pid + (runs += 1),
      program: launcher,
      stdout: sink('out'),
      stderr: sink('err'),
      input: async () => Buffer.from(input),
      signal,
      version: manifest.version,
    },
    nextSteps,
  ).run()
  watchCommand(argv, said)
  return { code, ...said }
}

/** Runs it in a folder with these files. */
export async function runInFolder(
  argv: readonly string[],
  options: { files?: Readonly<Record<string, string>>; env?: Readonly<Record<string, string>> } = {},
): Promise<ExitedCli> {
  const { cwd, remove } = temporaryFolder(options.files)
  try {
    return await runInProcess(argv, cwd, options.env)
  } finally {
    remove()
  }
}
