import { checkOptions, object, integer } from '../domain/options.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import { systemClock } from '../ports/system.ts'
import type { Route, Store } from '../ports/store.ts'
import { meetsExpectations, applyChange, type Partition } from './partition.ts'
import { createPartitionedStore } from './partitioned-store.ts'
import { checkOneConnection } from './argument-checks.ts'

export interface MemoryStoreOptions {
  /** Default: the system's. */
  readonly clock?: Clock
  /** Which sinks get an event; none by default. */
  readonly route?: Route
  /** Events kept of each connection, the newest ones; 10 000 by default. Sinks get every event all the same. */
  readonly keepEvents?: number
}

const optionsSchema = object<MemoryStoreOptions>({ clock: schemas.clock, route: schemas.route, keepEvents: integer(1) })

/**
 * A store in the memory of this process, gone with it. For tests, browsers and programs that may lose their tokens; all
 * promises of `Store` hold, except that no other process shares it. Throws `config_invalid` for wrong options.
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
      // Everything that may fail comes before the first write.
      const add = prepareEvents(partition, change.events)
      applyChange(partition, change, clock.wall())
      add()
      await partition.events.prune()
      return 'done'
    },
    async ensureRoom() {},
    async close() {},
  }
}
