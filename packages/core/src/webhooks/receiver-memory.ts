import { checkOptions, object, integer } from '../domain/options.ts'
import type { Millis } from '../domain/time.ts'
import { type Clock, countdown } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import { systemClock } from '../ports/system.ts'

/** Where a receiver remembers what came. Several processes that receive for one endpoint share one. */
export interface ReceiverMemory {
  /** Takes the id for so long, to deal with its message; says so when somebody else has it, or when it was dealt with. Atomic. */
  claim(id: string, ms: Millis): Promise<'taken' | 'underway' | 'done'>
  /** Remembers for so long that the message was dealt with. */
  settle(id: string, ms: Millis): Promise<void>
  /** Forgets the id: the message was not dealt with and comes again. */
  forget(id: string): Promise<void>
  /** Notes a generation of somebody; false when a later one was noted before. Atomic. */
  advance(about: string, generation: number): Promise<boolean>
}

const MOST_KEPT = 10_000

interface ReceiverMemoryOptions {
  /** Ids and generations that are kept, 1 or more of each. Default 10 000. */
  readonly most?: number
  readonly clock?: Clock
}

const memorySchema = object<ReceiverMemoryOptions>({ most: integer(1), clock: schemas.clock })

/** A memory in this process: the last `most` ids and generations. Throws `config_invalid` for wrong options. */
export function receiverMemory(options: ReceiverMemoryOptions = {}): ReceiverMemory {
  checkOptions('receiverMemory', ['options', options, memorySchema])
  const { most = MOST_KEPT, clock = systemClock() } = options
  const known = new Map<string, { readonly left: () => Millis; readonly state: 'underway' | 'done' }>()
  const generations = new Map<string, number>()
  /** Puts it at the end, and drops from the front: the one that was not heard of for longest. */
  const keep = <T>(map: Map<string, T>, name: string, value: T): void => {
    map.delete(name)
    map.set(name, value)
    for (const oldest of map.keys()) {
      if (map.size <= most) break
      map.delete(oldest)
    }
  }
  return {
    async claim(id, ms) {
      const found = known.get(id)
      if (found && found.left() > 0) return found.state
      keep(known, id, { left: countdown(clock, ms), state: 'underway' })
      return 'taken'
    },
    async settle(id, ms) {
      keep(known, id, { left: countdown(clock, ms), state: 'done' })
    },
    async forget(id) {
      known.delete(id)
    },
    async advance(about, generation) {
      const last = generations.get(about) ?? Number.NEGATIVE_INFINITY
      keep(generations, about, Math.max(last, generation))
      return generation >= last
    },
  }
}
