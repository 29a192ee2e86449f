import { connectionName } from '../domain/connection-name.ts'
import { callable, checkOptions, objectWithMethods, millis, required, number, object } from '../domain/options.ts'
import { DAY, type Instant, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import * as schemas from '../ports/schemas.ts'
import type { Clock } from '../ports/clock.ts'
import type { Meter } from '../ports/meter.ts'
import type { Store } from '../ports/store.ts'
import { repeatUntilAborted, type StoredWorker, type WorkerObserver } from '../ports/worker.ts'

export interface KeeperOptions {
  /** A session is kept while somebody asked for it within this time. Default 24 h. */
  readonly keepForMs?: Millis
  /** Requests a minute that upstream takes; the keeper claims about two seconds of it at a time. Default 300. */
  readonly perMinute?: number
}

export interface KeeperParts {
  readonly connection: string
  /** Renews one session that is due and waits for it; its failures are its own to remember, and are reported. */
  readonly renew: (guestId: string) => Promise<unknown>
  readonly meter: Meter
}

/**
 * Renews what is due until the signal aborts; then resolves when the renewals under way have ended. A renewal that failed is reported. The
 * backlog is the sessions that are due now.
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

/** Short, because the claims of a process that dies are nobody's until then; two that renew one session do no harm. */
const LEASE: Millis = 5 * SECOND
/** How long it looks away when nothing is due: sessions may come in from other processes meanwhile. */
const LONGEST_PAUSE: Millis = SECOND
/** Never less, so that other work of this process gets its turn. */
const SHORTEST_PAUSE: Millis = 10
const AHEAD: Millis = 2 * SECOND
/** Renewals under way at once: more would only wait for upstream, and time out there. */
const MOST_AT_ONCE = 100
/** The part of them that may still be under way when the next are claimed: a claim is a commit, and should be for many. */
const REFILL_BELOW = 0.75

/**
 * Keeps live sessions renewed before they lapse: claims those that are due from the store, no more than upstream takes in a
 * few seconds, so that keepers of several processes share the work and none sits on claims that it cannot serve. Throws
 * `config_invalid` for wrong options.
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
  const { connection, renew, meter } = parts
  const { store, clock } = ports
  const { keepForMs = DAY, perMinute = 300 } = options
  const most = Math.min(MOST_AT_ONCE, Math.max(1, Math.ceil((perMinute / MINUTE) * AHEAD)))

  const renewOne = async (id: string, late: Millis, pieces: WorkerObserver): Promise<void> => {
    meter.time('renewal_lateness', late)
    try {
      await renew(id)
      meter.count('session_kept')
      pieces.succeeded()
    } catch (thrown) {
      meter.count('session_not_kept')
      pieces.failed(thrown)
    }
  }

  /** Claims what there is room for; says how long to look away. */
  async function claim(working: Map<string, Promise<void>>, pieces: WorkerObserver): Promise<Millis> {
    const max = most - working.size
    const { now, claimed, nextInMs } = await store.claimDue(connection, { max, leaseMs: LEASE, keepForMs })
    for (const { id, dueAt } of claimed) {
      // A renewal may outlast its claim, which then comes back here.
      if (working.has(id)) continue
      const work = renewOne(id, lateness(now, dueAt), pieces).finally(() => working.delete(id))
      working.set(id, work)
    }
    return claimed.length === max
      ? SHORTEST_PAUSE
      : Math.min(Math.max(nextInMs ?? LONGEST_PAUSE, SHORTEST_PAUSE), LONGEST_PAUSE)
  }

  return {
    backlog: (limit) => store.countDue(connection, { keepForMs, most: limit }),
    async run(signal, observer) {
      const working = new Map<string, Promise<void>>()
      await repeatUntilAborted(
        async (pieces) => {
          const pauseMs = await claim(working, pieces)
          const full = working.size === most
          while (working.size > most * REFILL_BELOW) await Promise.race(working.values())
          return full ? 0 : pauseMs
        },
        // Sessions lapse while a store that failed is not asked.
        { clock, signal, observer, longestMs: 2 * SECOND },
      )
      await Promise.all(working.values())
    },
  }
}

const lateness = (now: Instant, dueAt: Instant): Millis => Math.max(0, now - dueAt)
