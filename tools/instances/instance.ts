import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CliProcess, spawnCli } from '../../packages/cli/test/spawn-cli.ts'
import { killAtExit } from '../kill-at-exit.ts'

/** How an instance is started. */
export interface InstanceOptions {
  readonly port: number
  /** The folder in which it runs. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** The file that Node runs. Default: the command of these sources. */
  readonly entry?: string | undefined
}

/** A process of the service, which is started again on the same port when it ends. */
export interface Instance {
  /** Its address, the same after a restart. */
  readonly url: string
  readonly pid: () => number | undefined
  /** Whether it runs and is not paused. */
  readonly isRunning: () => boolean
  /** How often it was started. */
  readonly starts: () => number
  /** Ends that nothing here caused, with the end of the log of each. */
  readonly ownEnds: readonly string[]
  /** Sends SIGKILL. It is started again. Resolves when the process has ended. */
  kill(): Promise<void>
  /** Sends SIGSTOP for so many milliseconds, then SIGCONT. */
  pause(ms: number, signal?: AbortSignal): Promise<void>
  /** Sends SIGTERM, and starts it again. Resolves to the exit code when it listens again. */
  restart(): Promise<number | null>
  /** Resolves when it listens. */
  isListening(): Promise<void>
  /** Sends SIGTERM. Resolves to the exit code. It is not started again. */
  stop(): Promise<number | null>
}

/** A start may fail, as while the database is down. It is tried again after this time, in milliseconds. */
const AGAIN_MS = 250
/** How much of the log of an instance is shown that ended by itself. */
const LOG_SHOWN = 600

interface State {
  readonly options: InstanceOptions
  readonly ownEnds: string[]
  process: CliProcess
  /** Resolves when the present process listens. */
  listening: Promise<void>
  starts: number
  isPaused: boolean
  isExpectedToEnd: boolean
  isStopped: boolean
}

/** Starts an instance, which a supervisor starts again until it is stopped. */
export function createInstance(options: InstanceOptions): Instance {
  const process = startProcess(options)
  const base = { options, ownEnds: [], process, starts: 1, isPaused: false, isExpectedToEnd: false, isStopped: false }
  const state: State = { ...base, listening: untilListening(process) }
  void supervise(state)
  const isAlive = (): boolean => state.process.child.exitCode === null && state.process.child.signalCode === null
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    state.isExpectedToEnd = true
    const { child, ended } = state.process
    child.kill(signal)
    return (await ended).code
  }
  return {
    url: `http://127.0.0.1:${options.port}`,
    pid: () => (isAlive() ? state.process.child.pid : undefined),
    isRunning: () => isAlive() && !state.isPaused,
    starts: () => state.starts,
    ownEnds: state.ownEnds,
    kill: async () => void (await end('SIGKILL')),
    pause: (ms, signal) => pause(state, ms, signal),
    async restart() {
      const { starts } = state
      const code = await end('SIGTERM')
      while (state.starts === starts) await sleep(10)
      await state.listening
      return code
    },
    isListening: () => state.listening,
    stop() {
      state.isStopped = true
      state.process.child.kill('SIGCONT')
      return end('SIGTERM')
    },
  }
}

function startProcess({ port, cwd, env, entry }: InstanceOptions): CliProcess {
  const started = spawnCli(['serve', '--port', String(port), '--json'], cwd, env, entry === undefined ? {} : { entry })
  killAtExit(started.child)
  return started
}

/** The first line says that it listens. A process that ended before is no fault here: the supervisor starts another. */
const untilListening = ({ matchOnStandardOutput }: CliProcess): Promise<void> =>
  matchOnStandardOutput(/\n/).then(
    () => {},
    () => {},
  )

async function supervise(state: State): Promise<void> {
  while (!state.isStopped) {
    const { err, code } = await state.process.ended
    if (state.isStopped) return
    if (!state.isExpectedToEnd) {
      state.ownEnds.push(`exit ${code}: ${err.slice(-LOG_SHOWN)}`)
      await sleep(AGAIN_MS)
      if (state.isStopped) return
    }
    state.isExpectedToEnd = false
    state.isPaused = false
    state.process = startProcess(state.options)
    state.listening = untilListening(state.process)
    state.starts += 1
  }
}

async function pause(state: State, ms: number, signal: AbortSignal = new AbortController().signal): Promise<void> {
  const { child, ended } = state.process
  child.kill('SIGSTOP')
  state.isPaused = true
  const aborted = signal.aborted ? Promise.resolve() : once(signal, 'abort')
  const over = new AbortController()
  await Promise.race([sleep(ms, undefined, { signal: over.signal }), aborted, ended])
  over.abort()
  child.kill('SIGCONT')
  state.isPaused = false
}
