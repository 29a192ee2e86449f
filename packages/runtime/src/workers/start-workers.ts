import { untilAborted } from '@guestpass/core/runtime-kit'
import {
  type NamedWorker,
  type WorkedConnection,
  type WorkerName,
  workersOfConnection,
  workersOfRuntime,
  type WorkingRuntime,
} from './registry.ts'
import { type RunningWorker, startWorker, type WorkerHealth } from './running-worker.ts'

/** Workers under way, until their signal aborts. */
export interface RunningWorkers {
  /** How each worker fares, in the order in which they were started. Never rejects. */
  health(): Promise<readonly WorkerHealth[]>
  /** Starts the workers of one more connection. Nothing happens after the signal aborted. */
  add(of: WorkedConnection): void
  /** Resolves after the signal aborted, when all have ended what they had begun. Never rejects. */
  readonly stopped: Promise<void>
}

export interface WorkersOptions {
  /** Workers that are not started, by name. Default: none. */
  readonly without?: readonly WorkerName[]
}

/**
 * Starts what a program that stays up does in the background: for each connection the renewal of sessions (`renewal`) and of the sign-in
 * (`sign-in`), `enrichment`, the mirror of its keys (`keys`) and signed checkpoints (`audit-checkpoints`); for the runtime its
 * `webhooks`, its `audit-file` and its `audit-listener`. A worker that fails goes on, and its health says so. Abort the signal to stop
 * them, and wait for `stopped` before the runtime is closed.
 *
 * @example
 * const stop = new AbortController()
 * const workers = startWorkers(runtime, [{ connection: await connect(config, runtime) }], stop.signal)
 * console.table(await workers.health())
 * stop.abort()
 * await workers.stopped
 */
export function startWorkers(
  runtime: WorkingRuntime,
  connections: readonly WorkedConnection[],
  signal: AbortSignal,
  { without = [] }: WorkersOptions = {},
): RunningWorkers {
  const running: RunningWorker[] = []
  const ports = { clock: runtime.ports.clock, signal }
  const start = (workers: readonly NamedWorker[]): void => {
    if (signal.aborted) return
    for (const one of workers) if (!without.includes(one.name)) running.push(startWorker(one, ports))
  }
  const add = (of: WorkedConnection): void => start(workersOfConnection(of, runtime))
  for (const of of connections) add(of)
  start(workersOfRuntime(runtime))

  async function stopped(): Promise<void> {
    await untilAborted(signal)
    await Promise.all(running.map(({ ended }) => ended))
  }

  return {
    add,
    health: () => Promise.all(running.map((one) => one.health())),
    stopped: stopped(),
  }
}

/** Does work while workers run; when it resolves or rejects, they have ended. */
export async function withWorkers<T>(
  runtime: WorkingRuntime,
  connections: readonly WorkedConnection[],
  work: (workers: RunningWorkers) => Promise<T>,
  options: WorkersOptions = {},
): Promise<T> {
  const stop = new AbortController()
  const workers = startWorkers(runtime, connections, stop.signal, options)
  try {
    return await work(workers)
  } finally {
    stop.abort()
    await workers.stopped
  }
}
