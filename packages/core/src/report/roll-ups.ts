import { checkedConnection, connectionName } from '../domain/connection-name.ts'
import { checkOptions, object, required } from '../domain/options.ts'
import { type Instant, MINUTE, type Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import type { Store } from '../ports/store.ts'
import { repeatUntilAborted, type StoredWorker } from '../ports/worker.ts'
import { addEvents, allTotals, removeHours, type RollUpParts } from './roll-up-store.ts'

/**
 * The roll-ups of a connection: what a report counts, by the hour and of all hours together. `run` adds the new
 * events every minute. The backlog counts the events that are not in the roll-ups yet.
 */
export interface RollUps extends StoredWorker {
  /**
   * Adds all new events to the roll-ups, each exactly once over all processes and crashes. `signal`: stops
   * between two commits.
   *
   * @returns the place in the audit chain of the last event that is in the roll-ups; 0 without events
   */
  update(signal?: AbortSignal): Promise<number>
  /**
   * Removes the roll-ups of the hours before a time, for retention. A report without `since` keeps their events;
   * one since an earlier time no longer counts them. `signal`: stops between two commits.
   *
   * @returns how many hours were removed
   */
  prune(before: Instant, signal?: AbortSignal): Promise<number>
}

const POLL: Millis = MINUTE

type RollUpPorts = Parameters<typeof rollUps>[1]

const portsSchema = object<RollUpPorts>(
  {
    store: schemas.store('commit', 'document', 'documents', 'chain', 'chainHead'),
    clock: required(schemas.clock),
  },
  { open: true },
)

/**
 * Opens the roll-ups of a connection, which `report` sums.
 *
 * @param name the name of the connection
 * @param ports the store of the connection, and a clock for the pauses of `run`
 *
 * Throws `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { memoryStore } from '@guestpass/core'
 * import { rollUps, systemClock } from '@guestpass/core/runtime-kit'
 *
 * const clock = systemClock()
 * const hourly = rollUps('default', { store: memoryStore({ clock }), clock })
 * console.log(`${await hourly.update()} events are in the roll-ups`)
 * ```
 */
export function rollUps(
  name: string,
  ports: {
    readonly store: Pick<Store, 'commit' | 'document' | 'documents' | 'chain' | 'chainHead'>
    readonly clock: Clock
  },
): RollUps {
  checkOptions('rollUps', ['name', name, required(connectionName)], ['ports', ports, portsSchema])
  const { store, clock } = ports
  const parts: RollUpParts = { connection: checkedConnection(name), store }
  return {
    update: (signal) => updateRollUps(parts, signal),
    prune: (before, signal) => removeHours(parts, before, signal),
    backlog: (most) => backlog(parts, most),
    async run(signal, observer) {
      const pass = async (): Promise<Millis> => {
        while ((await addEvents(parts)).left === 'more' && !signal.aborted);
        // Also after a conflict: another process adds the events.
        return POLL
      }
      await repeatUntilAborted(pass, { clock, signal, observer })
    },
  }
}

/** Adds all events that are stored at the call. Resolves to the place of the last one. */
export async function updateRollUps(parts: RollUpParts, signal?: AbortSignal): Promise<number> {
  for (;;) {
    const { last, left } = await addEvents(parts)
    if (left === 'none' || signal?.aborted) return last
  }
}

async function backlog(parts: RollUpParts, most: number): Promise<number> {
  const { totals } = await allTotals(parts)
  const { count } = await parts.store.chainHead(parts.connection)
  return Math.min(Math.max(0, count - totals.last), most)
}
