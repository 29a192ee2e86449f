import { spawnSync } from 'node:child_process'

/** A program for Node that is run from its start to its end. */
export interface Program {
  readonly name: string
  /** Whose it is, or what it is there for. */
  readonly does: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** What it must print on standard output. */
  readonly prints: RegExp
}

export interface Timed {
  readonly program: Program
  /** How long each run took, in milliseconds, in the order of the rounds. */
  readonly ms: readonly number[]
}

/** Nothing of this process's own settings, no questions and no reports home. */
const environment = ({ cwd, env }: Program): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: cwd,
  CI: '1',
  NO_UPDATE_NOTIFIER: '1',
  WRANGLER_SEND_METRICS: 'false',
  VERCEL_TELEMETRY_DISABLED: '1',
  ...env,
})

function once(program: Program): number {
  const { name, args, cwd, prints } = program
  const started = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd,
    env: environment(program),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const took = performance.now() - started
  if (status !== 0 || !prints.test(stdout)) throw new Error(`${name} ended with ${status}: ${stdout}${stderr}`)
  return took
}

/**
 * Times programs in alternation: every round runs each of them once, and begins with another one. One round before fills the
 * caches: of files, and of compiled code where a program has one.
 */
export function runInTurns(programs: readonly Program[], rounds: number): readonly Timed[] {
  const timed = programs.map((program) => ({ program, ms: [] as number[] }))
  for (const { program } of timed) once(program)
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < timed.length; turn += 1) {
      const { program, ms } = timed[(round + turn) % timed.length] as (typeof timed)[number]
      ms.push(once(program))
    }
  }
  return timed
}
