import process from 'node:process'
import manifest from '../package.json' with { type: 'json' }
import { frame } from '../src/frame/run.ts'
import { groups, verbs } from '../src/verbs/index.ts'
import { type Ended, launcher, site } from './spawned.ts'

let runs = 0

/** Runs the command line to its end in this process, with nothing of it but what is given: a process of its own takes half a second. */
export async function performed(
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  input = '',
): Promise<Ended> {
  const said = { out: '', err: '' }
  const sink = (name: keyof typeof said) => ({ write: (text: string) => void (said[name] += text) })
  const code = await frame(verbs, groups, {
    argv,
    env,
    cwd,
    // Like a process of its own.
    pid: process.pid + (runs += 1),
    program: launcher,
    stdout: sink('out'),
    stderr: sink('err'),
    input: async () => Buffer.from(input),
    signal: new AbortController().signal,
    version: manifest.version,
  }).run()
  return { code, ...said }
}

/** Runs it in a folder with these files. */
export async function ran(
  argv: readonly string[],
  options: { files?: Readonly<Record<string, string>>; env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const { cwd, remove } = site(options.files)
  try {
    return await performed(argv, cwd, options.env)
  } finally {
    remove()
  }
}
