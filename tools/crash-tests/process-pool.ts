import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { REACHED } from './fail-points.ts'

const launcher = fileURLToPath(new URL('../../packages/cli/bin/guestpass.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** A worker process: by default the command line. */
export interface Worker {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when it has printed a whole line. */
  readonly answered: Promise<void>
  /** Resolves when it has reached its fail point. */
  readonly reached: Promise<void>
}

/** All worker processes of a run. */
export interface ProcessPool {
  /**
   * Starts a worker.
   *
   * @param modules URLs of modules that it loads first
   * @param more environment variables besides those of the pool
   * @param program default that of the pool
   */
  start(
    argv: readonly string[],
    modules: readonly string[],
    more?: Readonly<Record<string, string>>,
    program?: string,
  ): Worker
  /** Resolves when any worker prints this text on standard error from now on. */
  printed(text: string): Promise<void>
  /** Sends SIGKILL to all living workers. Resolves when they have ended. */
  killAll(): Promise<void>
  /** How many processes still run in the folder. Linux only; elsewhere, how many workers have not ended. */
  leftOver(): number
}

/** `program`: what a worker runs. Default the command line. */
export function createProcessPool(cwd: string, env: Readonly<Record<string, string>>, program = launcher): ProcessPool {
  const living = new Map<ChildProcess, Promise<Ended>>()
  const stderrListeners = new Set<(text: string) => void>()
  const kill = (): void => {
    for (const child of living.keys()) child.kill('SIGKILL')
  }
  process.once('exit', kill)
  return {
    start(argv, modules, more = {}, own = program) {
      const imports = modules.flatMap((module) => ['--import', module])
      const child = spawn(process.execPath, [...imports, own, ...argv], {
        cwd,
        env: { ...env, ...more },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const worker = workerOf(child)
      child.stderr?.on('data', (text: string) => {
        for (const listener of stderrListeners) listener(text)
      })
      living.set(child, worker.ended)
      const forget = () => living.delete(child)
      worker.ended.then(forget, forget)
      return worker
    },
    printed: (wanted) =>
      new Promise((resolve) => {
        const listener = (text: string): void => {
          if (!text.includes(wanted)) return
          stderrListeners.delete(listener)
          resolve()
        }
        stderrListeners.add(listener)
      }),
    async killAll() {
      const all = [...living.values()]
      kill()
      await Promise.allSettled(all)
    },
    leftOver: () => Math.max(living.size, processesIn(cwd)),
  }
}

function processesIn(folder: string): number {
  const isIn = (pid: string): boolean => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder
    } catch {
      // The process has ended, or belongs to another user.
      return false
    }
  }
  return existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isIn(name)).length : 0
}

function workerOf(child: ChildProcess): Worker {
  const answered = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
    if (out.includes('\n')) answered.resolve()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
    if (err.includes(REACHED)) reached.resolve()
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, out, err }))
  })
  return { child, ended, answered: answered.promise, reached: reached.promise }
}
