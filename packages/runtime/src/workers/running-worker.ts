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

/** A worker that runs until its signal aborts. */
export interface RunningWorker {
  health(): Promise<WorkerHealth>
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
}

interface RunPorts {
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Starts a worker. If it ends by itself, or rejects, that is reported, and it is started again after a
 * back-off of up to a minute.
 */
export function startWorker({ name, connection, worker }: NamedWorker, { clock, signal }: RunPorts): RunningWorker {
  let isFailing = false
  let isStopped = false
  let succeededAt: Instant | undefined
  let failure: { readonly at: Instant; readonly error: GuestpassError } | undefined

  const observer: WorkerObserver = {
    succeeded() {
      isFailing = false
      succeededAt = clock.wall()
    },
    failed(thrown) {
      isFailing = true
      failure = { at: clock.wall(), error: asGuestpassError(thrown) }
    },
  }

  async function run(): Promise<number> {
    await worker.run(signal, observer)
    if (!signal.aborted) throw new GuestpassError('internal', `The worker ${name} ended by itself. Please report it.`)
    return 0
  }

  async function supervised(): Promise<void> {
    const restarts = { ...observer, succeeded: () => {} }
    // It rejects only if the clock fails to sleep.
    await repeatUntilAborted(run, { clock, signal, observer: restarts, longestMs: MINUTE }).catch(observer.failed)
    isStopped = true
  }

  async function backlog(): Promise<number | undefined> {
    try {
      return (await worker.backlog?.(MAX_BACKLOG_COUNT)) ?? 0
    } catch {
      return undefined
    }
  }

  const ended = supervised()
  return {
    ended,
    async health() {
      const waiting = await backlog()
      const busy = (waiting ?? 0) > 0 ? 'working' : 'waiting'
      return {
        name,
        ...(connection === undefined ? {} : { connection }),
        state: isStopped ? 'stopped' : isFailing ? 'failing' : busy,
        ...(succeededAt === undefined ? {} : { lastSuccess: iso(succeededAt) }),
        ...(failure ? { lastError: errorOf(failure) } : {}),
        ...(waiting === undefined ? {} : { backlog: waiting }),
      }
    },
  }
}

const errorOf = ({ at, error }: { readonly at: Instant; readonly error: GuestpassError }) => ({
  at: iso(at),
  code: error.code,
  message: error.message,
})
