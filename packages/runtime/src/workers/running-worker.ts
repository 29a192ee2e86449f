import { type Clock, type ErrorCode, GuestpassError } from '@guestpass/core'
import { iso, repeatUntilAborted, type WorkerObserver } from '@guestpass/core/runtime-kit'
import { asGuestpassError, type Instant, MINUTE } from '@guestpass/core/store-kit'
import { MAX_BACKLOG_COUNT } from '../backlog-limit.ts'
import type { NamedWorker, WorkerName } from './registry.ts'

/** The health of a worker, as JSON. */
export interface WorkerHealth {
  readonly name: WorkerName
  /** Absent if the worker works for the whole store. */
  readonly connection?: string
  /**
   * `failing`: the last pass failed, and is tried again. `working`: work is waiting or being done. `waiting`:
   * there is no work. `stopped`: the worker was asked to end, and has ended.
   */
  readonly state: 'waiting' | 'working' | 'failing' | 'stopped'
  /** When a pass last succeeded, in ISO 8601. */
  readonly lastSuccess?: string
  /** The last failure, also if a pass has succeeded since. `at`: in ISO 8601. */
  readonly lastError?: { readonly at: string; readonly code: ErrorCode; readonly message: string }
  /** How much work waits, counted up to 10,000; absent if the store cannot be asked. */
  readonly backlog?: number
}

/**
 * A change of a worker's state. `failing`: its last pass failed, by another code than before. `recovered`: a pass
 * succeeded after failures. `stopped`: it was asked to end, and has ended.
 */
export interface WorkerChange {
  readonly name: WorkerName
  /** Absent if the worker works for the whole store. */
  readonly connection?: string
  readonly state: 'failing' | 'recovered' | 'stopped'
  /** Why it fails. Absent for other states. */
  readonly error?: { readonly code: ErrorCode; readonly message: string }
}

/** A worker that runs until its signal aborts. */
export interface RunningWorker {
  health(): Promise<WorkerHealth>
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
}

interface RunPorts {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Called at once with each change. Must not throw. */
  readonly onChange?: ((change: WorkerChange) => void) | undefined
}

/** A worker that was started, and what its passes reported. */
interface WorkerRun extends NamedWorker, RunPorts {
  isFailing: boolean
  isStopped: boolean
  succeededAt?: Instant
  failure?: { readonly at: Instant; readonly error: GuestpassError }
}

/**
 * Starts a worker. If it ends by itself, or rejects, that is reported, and it is started again after a
 * back-off of up to a minute.
 */
export function startWorker(worker: NamedWorker, ports: RunPorts): RunningWorker {
  const run: WorkerRun = { ...worker, ...ports, isFailing: false, isStopped: false }
  return { ended: runWithRestarts(run), health: () => healthOf(run) }
}

const observerOf = (run: WorkerRun): WorkerObserver => ({
  succeeded() {
    const hasRecovered = run.isFailing
    run.isFailing = false
    run.succeededAt = run.clock.wall()
    if (hasRecovered) report(run, 'recovered')
  },
  failed(thrown) {
    const error = asGuestpassError(thrown)
    const isKnown = run.isFailing && run.failure?.error.code === error.code
    run.isFailing = true
    run.failure = { at: run.clock.wall(), error }
    if (!isKnown) report(run, 'failing', error)
  },
})

function report({ name, connection, onChange }: WorkerRun, state: WorkerChange['state'], error?: GuestpassError): void {
  const of = connection === undefined ? { name } : { name, connection }
  onChange?.({ ...of, state, ...(error ? { error: { code: error.code, message: error.message } } : {}) })
}

async function runWithRestarts(run: WorkerRun): Promise<void> {
  const { name, worker, clock, signal } = run
  const observer = observerOf(run)
  const runOnce = async (): Promise<number> => {
    await worker.run(signal, observer)
    if (!signal.aborted) throw new GuestpassError('internal', `The worker ${name} ended by itself. Please report it.`)
    return 0
  }
  // Only passes of the worker count as successes.
  const restarts = { ...observer, succeeded: () => {} }
  // It rejects only if the clock fails to sleep.
  await repeatUntilAborted(runOnce, { clock, signal, observer: restarts, longestMs: MINUTE }).catch(observer.failed)
  run.isStopped = true
  report(run, 'stopped')
}

async function healthOf(run: WorkerRun): Promise<WorkerHealth> {
  const waiting = await backlogOf(run)
  const { name, connection, succeededAt, failure } = run
  const busy = (waiting ?? 0) > 0 ? 'working' : 'waiting'
  return {
    name,
    ...(connection === undefined ? {} : { connection }),
    state: run.isStopped ? 'stopped' : run.isFailing ? 'failing' : busy,
    ...(succeededAt === undefined ? {} : { lastSuccess: iso(succeededAt) }),
    ...(failure ? { lastError: errorOf(failure) } : {}),
    ...(waiting === undefined ? {} : { backlog: waiting }),
  }
}

async function backlogOf({ worker }: NamedWorker): Promise<number | undefined> {
  try {
    return (await worker.backlog?.(MAX_BACKLOG_COUNT)) ?? 0
  } catch {
    return undefined
  }
}

const errorOf = ({ at, error }: NonNullable<WorkerRun['failure']>) => ({
  at: iso(at),
  code: error.code,
  message: error.message,
})
