import { untilAborted } from '@guestpass/core/runtime-kit'
import {
  type NamedWorker,
  type WorkedConnection,
  type WorkerName,
  workersOfConnection,
  workersOfRuntime,
  type WorkingRuntime,
} from './registry.ts'
import { type RunningWorker, startWorker, type WorkerChange, type WorkerHealth } from './running-worker.ts'

/** Workers that run until their signal aborts. */
export interface RunningWorkers {
  /** The health of each worker, in the order in which they were started. Never rejects. */
  health(): Promise<readonly WorkerHealth[]>
  /** Starts the workers of one more connection. Does nothing after the signal aborted. */
  add(connection: WorkedConnection): void
  /** Resolves after the signal aborted, when all workers have ended their current work. Never rejects. */
  readonly stopped: Promise<void>
}

/** Which workers are started, and who learns of their changes. */
export interface WorkersOptions {
  /** Names of workers that are not started. Default: none. */
  readonly without?: readonly WorkerName[]
  /** Called at once when the state of a worker changes. Must not throw. Default: nothing is called. */
  readonly onChange?: (change: WorkerChange) => void
}

/**
 * Starts the background work of a program that stays up. For each connection: `renewal` of guest tokens,
 * renewal of the `sign-in`, `enrichment`, the mirror of its `keys`, signed `audit-checkpoints`, `roll-ups`
 * for reports, and `retention`. For the runtime: `webhooks`, `audit-file` and `audit-listener`, if they are configured. A worker
 * that fails is restarted, and its health shows the error. To stop the workers, abort `signal`, and await
 * `stopped` before the runtime is closed.
 *
 * @example
 * ```ts
 * import { openRuntime, readConfig, type RuntimeHost, startWorkers } from '@guestpass/runtime'
 *
 * const stop = new AbortController()
 * const { signal } = stop
 * const host: RuntimeHost = { env: {}, cwd: '.', signal, actor: 'me', note: console.log, warn: console.log }
 * const runtime = await openRuntime(await readConfig(host), host)
 * const workers = startWorkers(runtime, [], signal)
 * console.table(await workers.health())
 * stop.abort()
 * await workers.stopped
 * await runtime.close()
 * ```
 */
export function startWorkers(
  runtime: WorkingRuntime,
  connections: readonly WorkedConnection[],
  signal: AbortSignal,
  { without = [], onChange }: WorkersOptions = {},
): RunningWorkers {
  const running: RunningWorker[] = []
  const ports = { clock: runtime.ports.clock, signal, onChange }
  const start = (workers: readonly NamedWorker[]): void => {
    if (signal.aborted) return
    for (const one of workers) if (!without.includes(one.name)) running.push(startWorker(one, ports))
  }
  const add = (connection: WorkedConnection): void => start(workersOfConnection(connection, runtime))
  for (const connection of connections) add(connection)
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

/**
 * Runs work while the workers run, as `startWorkers` starts them. Then it stops the workers, waits for them, and
 * settles as the work did.
 */
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
