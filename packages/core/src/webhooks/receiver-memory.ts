import type { Checkpoint } from '../audit/checkpoint.ts'
import { checkOptions, object, integer } from '../domain/options.ts'
import type { Millis } from '../domain/time.ts'
import { type Clock, countdown } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import { systemClock } from '../ports/system.ts'

/** A checkpoint that a receiver saw, by the endpoint that it was sent to. */
export interface SeenCheckpoint {
  /** The id that the sender has for the endpoint. */
  readonly endpoint: string
  readonly checkpoint: Checkpoint
}

/**
 * What a receiver remembers of messages. Processes that receive for one endpoint share one memory, for
 * example in their database.
 */
export interface ReceiverMemory {
  /**
   * Claims a message by its id, for `ms` milliseconds. Must be atomic.
   *
   * @returns `taken`: the caller has the claim; `underway`: another call has it; `done`: the message was
   *   handled
   */
  claim(id: string, ms: Millis): Promise<'taken' | 'underway' | 'done'>
  /** Remembers for `ms` milliseconds that a message was handled. */
  settle(id: string, ms: Millis): Promise<void>
  /** Gives up the claim: the message was not handled, and is delivered again. */
  forget(id: string): Promise<void>
  /**
   * Stores a generation of a guest, unless a later one is stored. Must be atomic.
   *
   * @param about the id of the guest, see `WebhookMessage.about`
   * @returns false where a later generation was stored before
   */
  advance(about: string, generation: number): Promise<boolean>
  /**
   * Reads all checkpoints that were kept. A memory without this method and `keepCheckpoint` is completed by one in
   * the process.
   */
  checkpoints?(): Promise<readonly SeenCheckpoint[]>
  /**
   * Keeps a checkpoint, and of its connection and endpoint only the `most` with the highest numbers. Keeps it once
   * if it is given twice.
   */
  keepCheckpoint?(seen: SeenCheckpoint, most: number): Promise<void>
}

/** A memory that also keeps checkpoints. */
export type WitnessMemory = Required<Pick<ReceiverMemory, 'checkpoints' | 'keepCheckpoint'>>

/** Makes a memory of checkpoints in this process. */
export function witnessMemory(): WitnessMemory {
  let kept: readonly SeenCheckpoint[] = []
  return {
    checkpoints: async () => kept,
    async keepCheckpoint(seen, most) {
      const isSame = ({ endpoint, checkpoint }: SeenCheckpoint): boolean =>
        endpoint === seen.endpoint && checkpoint.connection === seen.checkpoint.connection
      const others = kept.filter((one) => !isSame(one))
      const own = kept.filter((one) => isSame(one) && one.checkpoint.signature !== seen.checkpoint.signature)
      const newest = [...own, seen].sort((a, b) => b.checkpoint.number - a.checkpoint.number).slice(0, most)
      kept = [...others, ...newest]
    },
  }
}

const MOST_KEPT = 10_000

const memorySchema = object<{ most: number; clock: Clock }>({ most: integer(1), clock: schemas.clock })

/**
 * Makes a receiver memory in this process. It forgets what was used longest ago.
 *
 * @param options `most`: how many ids and how many generations are kept, at least 1, default 10,000;
 *   `clock`: default the clock of the platform
 *
 * Throws `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { receiverMemory, signingSecret, webhookReceiver } from '@guestpass/core'
 * import { systemRandom } from '@guestpass/core/runtime-kit'
 *
 * const memory = receiverMemory({ most: 100_000 })
 * const receiver = webhookReceiver({ secrets: [signingSecret(systemRandom())], memory })
 * console.log(typeof receiver.receive)
 * ```
 */
export function receiverMemory(options: { readonly most?: number; readonly clock?: Clock } = {}): ReceiverMemory {
  checkOptions('receiverMemory', ['options', options, memorySchema])
  const { most = MOST_KEPT, clock = systemClock() } = options
  const known = new Map<string, { readonly left: () => Millis; readonly state: 'underway' | 'done' }>()
  const generations = new Map<string, number>()
  /** Maps keep the order of insertion, so that the oldest entry is the first one. */
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
    ...witnessMemory(),
  }
}
