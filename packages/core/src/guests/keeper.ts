import { connectionName } from '../domain/connection-name.ts'
import { callable, checkOptions, objectWithMethods, millis, required, number, object } from '../domain/options.ts'
import { DAY, type Instant, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { defaultPerMinute } from '../policy/limit.ts'
import * as schemas from '../ports/schemas.ts'
import { type Clock, stopwatch } from '../ports/clock.ts'
import type { Meter } from '../ports/meter.ts'
import type { Store } from '../ports/store.ts'
import { repeatUntilAborted, type StoredWorker, type WorkerObserver } from '../ports/worker.ts'

/** Options of `keeper`. */
export interface KeeperOptions {
  /**
   * For how long after the last call for its guest a session is renewed, in milliseconds, at least 0. Default:
   * 24 h.
   */
  readonly keepForMs?: Millis
  /**
   * Requests a minute that the upstream takes, more than 0. The keeper claims about two seconds of them at a
   * time. Default: 300.
   */
  readonly perMinute?: number
}

/** The parts of a connection that a keeper uses. */
export interface KeeperParts {
  /** The name of the connection whose sessions are renewed. */
  readonly connection: string
  /**
   * Renews one session that is due: `guests.keepRenewed` of the connection. `row`: the id of the guest's row in
   * the store. A rejection is reported to the observer of `run`.
   */
  readonly renew: (row: string) => Promise<unknown>
  /** Counts renewals, and measures how late they are: `meters` of the connection. */
  readonly meter: Meter
}

/**
 * Keeps sessions renewed. `run` renews what is due until the signal aborts, then resolves when running
 * renewals have ended. It reports each renewal that fails. `backlog` counts the sessions that are due now.
 */
export type Keeper = StoredWorker

const partsSchema = object<KeeperParts>({
  connection: required(connectionName),
  renew: required(callable('Give `(id) => guests.keepRenewed(id)` of a connection.')),
  meter: required(objectWithMethods('a meter', ['count', 'time'], 'Give meters(), or the meters of a connection.')),
})
const portsSchema = object<{ store: unknown; clock: unknown }>(
  { store: schemas.store('claimDue', 'countDue'), clock: required(schemas.clock) },
  { open: true },
)
const optionsSchema = object<KeeperOptions>({ keepForMs: millis(0), perMinute: number(Number.MIN_VALUE) })

/**
 * Short, because no process works on the claims of one that died until then. Two that renew one session do no
 * harm.
 */
const LEASE: Millis = 5 * SECOND
/** A process that is slow claims for longer: another one would do the same work, and make both slower. */
const LONGEST_LEASE: Millis = 30 * SECOND
/** The pause when nothing is due. Another process may store sessions meanwhile. */
const LONGEST_PAUSE: Millis = SECOND
/** Other work of this process runs meanwhile. */
const SHORTEST_PAUSE: Millis = 10
const AHEAD: Millis = 2 * SECOND
/** Renewals at once. More would only wait for the upstream, and time out. */
const MOST_AT_ONCE = 100
/** Fewer at once where renewals take longer than this: each of them prolongs its lease meanwhile. */
const LONG: Millis = 2 * SECOND
/** The least at once, however long they take. */
const LEAST_AT_ONCE = 10
/** The share that may still run when the next are claimed: a claim is a commit, and should be for many. */
const REFILL_BELOW = 0.75

/**
 * Makes a worker that renews guest sessions before they expire. It claims due sessions from the store, at
 * most what the upstream takes in about two seconds, so that keepers of several processes share the work. Run
 * one in each long-lived process.
 *
 * `parts` names the connection and its `keepRenewed`; `ports` are the connection's store and clock.
 *
 * Throws `config_invalid`; `fields` then lists every wrong option.
 *
 * @example
 * ```ts
 * import { connection, keeper, memoryStore, resolveHosts, Secret } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 *
 * const ports = { ...nodePorts(), store: memoryStore() }
 * const { name, guests, meters } = await connection(
 *   {
 *     hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
 *     client: { id: 'my-client', secret: new Secret('my-secret') },
 *   },
 *   ports,
 * )
 * const stop = new AbortController()
 * const parts = { connection: name, renew: guests.keepRenewed, meter: meters }
 * const running = keeper(parts, ports, { perMinute: 120 }).run(stop.signal)
 * stop.abort()
 * await running
 * await ports.close()
 * ```
 */
export function keeper(
  parts: KeeperParts,
  ports: { readonly store: Pick<Store, 'claimDue' | 'countDue'>; readonly clock: Clock },
  options: KeeperOptions = {},
): Keeper {
  checkOptions(
    'keeper',
    ['parts', parts, partsSchema],
    ['ports', ports, portsSchema],
    ['options', options, optionsSchema],
  )
  const { keepForMs = DAY, perMinute = defaultPerMinute } = options
  const most = Math.min(MOST_AT_ONCE, Math.max(1, Math.ceil((perMinute / MINUTE) * AHEAD)))
  const { store, clock } = ports
  const worker: KeeperWork = { ...parts, store, clock, keepForMs, most, pace: { longestMs: 0 } }
  return {
    backlog: (limit) => ports.store.countDue(parts.connection, { keepForMs, most: limit }),
    async run(signal, observer) {
      const running: Running = new Map()
      // Sessions expire while a store that failed is not asked again.
      const repeat = { clock: ports.clock, signal, observer, longestMs: 2 * SECOND }
      await repeatUntilAborted((progress) => pass(worker, running, progress), repeat)
      await Promise.all(running.values())
    },
  }
}

/** What the passes of a keeper need. */
interface KeeperWork extends KeeperParts {
  readonly store: Pick<Store, 'claimDue'>
  readonly clock: Clock
  /** The longest of the latest renewals, in milliseconds. */
  readonly pace: { longestMs: Millis }
  readonly keepForMs: Millis
  /** Renewals at once. */
  readonly most: number
}

/** Renewals that run, by session. */
type Running = Map<string, Promise<void>>

/** How many renewals may run at once now. */
function mostNow({ most, pace: { longestMs } }: KeeperWork): number {
  if (longestMs <= LONG) return most
  return Math.min(most, Math.max(LEAST_AT_ONCE, Math.floor((most * LONG) / longestMs)))
}

/** Claims due sessions, starts their renewals, and waits until it has room for more. Gives the pause until the next pass. */
async function pass(worker: KeeperWork, running: Running, progress: WorkerObserver): Promise<Millis> {
  const pauseMs = await claim(worker, running, progress)
  const isFull = running.size >= mostNow(worker)
  while (running.size > mostNow(worker) * REFILL_BELOW) await Promise.race(running.values())
  return isFull ? 0 : pauseMs
}

/** Claims as many due sessions as there is room for. Gives the pause until the next claim, in milliseconds. */
async function claim(worker: KeeperWork, running: Running, progress: WorkerObserver): Promise<Millis> {
  const { connection, store, keepForMs, pace } = worker
  const max = Math.max(1, mostNow(worker) - running.size)
  const leaseMs = Math.min(Math.max(LEASE, 3 * pace.longestMs), LONGEST_LEASE)
  const { now, claimed, nextInMs } = await store.claimDue(connection, { max, leaseMs, keepForMs })
  for (const { id, dueAt } of claimed) {
    // A renewal may outlast its claim, which is then claimed again here.
    if (running.has(id)) continue
    running.set(
      id,
      renewOne(worker, id, lateness(now, dueAt), progress).finally(() => running.delete(id)),
    )
  }
  if (claimed.length === max) return SHORTEST_PAUSE
  return Math.min(Math.max(nextInMs ?? LONGEST_PAUSE, SHORTEST_PAUSE), LONGEST_PAUSE)
}

/** How much of an earlier longest renewal still counts after another one. */
const MEMORY = 0.98

async function renewOne(
  { renew, meter, clock, pace }: KeeperWork,
  id: string,
  late: Millis,
  progress: WorkerObserver,
): Promise<void> {
  meter.time('renewal_lateness', late)
  const elapsed = stopwatch(clock)
  try {
    await renew(id)
    meter.count('session_kept')
    progress.succeeded()
  } catch (thrown) {
    meter.count('session_not_kept')
    progress.failed(thrown)
  } finally {
    pace.longestMs = Math.max(elapsed(), pace.longestMs * MEMORY)
  }
}

const lateness = (now: Instant, dueAt: Instant): Millis => Math.max(0, now - dueAt)
