import { checkOptions, object, integer } from '../domain/options.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import { systemClock } from '../ports/system.ts'
import type { Route, Store } from '../ports/store.ts'
import { meetsExpectations, applyChange, type Partition } from './partition.ts'
import { createPartitionedStore } from './partitioned-store.ts'
import { checkOneConnection } from '../ports/argument-checks.ts'

/** Options of `memoryStore`. */
export interface MemoryStoreOptions {
  /** The clock for leases, expiry and due times. Default: the clock of the system. */
  readonly clock?: Clock
  /** Names the queues that get an event: `webhookRoute`, if the program sends webhooks. Default: none. */
  readonly route?: Route
  /**
   * How many events to keep for each connection, the newest ones; from 1, default 10 000. Sinks get every
   * event.
   */
  readonly keepEvents?: number
}

const optionsSchema = object<MemoryStoreOptions>({ clock: schemas.clock, route: schemas.route, keepEvents: integer(1) })

/**
 * Creates a store in the memory of this process. It ends with the process, and no other process can share it.
 * Use it for tests, in browsers, and in programs that may lose their tokens.
 *
 * @param options `clock`, `route` and `keepEvents`; all optional.
 * @returns A store without durability; in all else as `Store` describes it.
 * @throws `config_invalid` for a wrong option.
 * @example
 * ```ts
 * import { connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 *
 * const ports = nodePorts()
 * const store = memoryStore({ keepEvents: 1_000 })
 * const { guests } = await connection(
 *   {
 *     hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
 *     client: { id: 'my-client', secret: new Secret('my-secret') },
 *   },
 *   { ...ports, store },
 * )
 * console.log(`${(await guests.list()).guests.length} guests so far`)
 * await ports.close()
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkOptions('memoryStore', ['options', options, optionsSchema])
  const { clock = systemClock(), route = () => [], keepEvents = 10_000 } = options
  const partitions = new Map<string, Partition>()
  const { store, partitionOf, prepareEvents } = createPartitionedStore(partitions, { clock, route, keepEvents })

  return {
    ...store,
    async commit(change) {
      checkOneConnection(change)
      const partition = partitionOf(change.connection)
      if (!meetsExpectations(partition, change, clock.wall())) return 'conflict'
      // The route may throw, so this comes before the first write.
      const add = prepareEvents(partition, change.events)
      applyChange(partition, change, clock.wall())
      add()
      await partition.events.trim()
      return 'done'
    },
    async ensureRoom() {},
    async close() {},
  }
}
