import type { Millis } from '../domain/time.ts'
import type { WebhookMessage } from './received-message.ts'
import { type ReceiverMemory, type SeenCheckpoint, witnessMemory, type WitnessMemory } from './receiver-memory.ts'
import { isEqualCheckpoint, type WitnessFault, type WitnessVerdict, witnessVerdict } from './witness-verdict.ts'

/** How many checkpoints are kept for an endpoint. */
const MOST_SEEN = 32

/** Compares the checkpoints of messages with those of earlier ones. */
export interface Witness {
  /**
   * Adds the verdict to a message. `remember` keeps its checkpoint: call it when the message is taken.
   *
   * @param header the value of the header `guestpass-checkpoint`; undefined if there is none
   */
  examine(
    message: WebhookMessage,
    header: string | undefined,
  ): Promise<{ readonly message: WebhookMessage; remember(): Promise<void> }>
}

interface WitnessOptions {
  readonly memory: ReceiverMemory
  readonly keys: readonly string[] | undefined
  readonly toleranceMs: Millis
  readonly onBrokenChain: ((fault: WitnessFault, message: WebhookMessage) => unknown) | undefined
}

export function createWitness({ memory, keys, toleranceMs, onBrokenChain }: WitnessOptions): Witness {
  const kept = checkpointsOf(memory)
  /** What was reported last of each connection, so that each checkpoint that shows a fault is reported once. */
  const reported = new Map<string | undefined, string>()
  const report = (message: WebhookMessage, verdict: WitnessVerdict): void => {
    const connection = verdict.checkpoint?.connection
    if (verdict.status !== 'broken') {
      reported.delete(connection)
      // Checkpoints are no longer missing.
      reported.delete(undefined)
      return
    }
    const { status: _broken, ...fault } = verdict
    const about = JSON.stringify([fault.reason, fault.checkpoint?.signature])
    if (!onBrokenChain || about === reported.get(connection)) return
    reported.set(connection, about)
    ;(async () => onBrokenChain(fault, message))().catch(() => {})
  }
  return {
    async examine(message, header) {
      const facts = { seen: await kept.checkpoints(), keys, at: message.at, toleranceMs }
      const { verdict, seen } = await witnessVerdict(header, facts)
      const judged = verdict ? { ...message, witness: verdict } : message
      if (verdict) report(judged, verdict)
      return { message: judged, remember: async () => seen && (await remember(kept, seen)) }
    },
  }
}

/** The part of a memory that keeps checkpoints; one in this process if the memory has none. */
function checkpointsOf(memory: ReceiverMemory): WitnessMemory {
  const { checkpoints, keepCheckpoint } = memory
  if (!checkpoints || !keepCheckpoint) return witnessMemory()
  // A memory may be an instance of a class.
  return {
    checkpoints: () => checkpoints.call(memory),
    keepCheckpoint: (seen, most) => keepCheckpoint.call(memory, seen, most),
  }
}

/** Keeps a checkpoint, unless it is kept already. */
async function remember(memory: WitnessMemory, seen: SeenCheckpoint): Promise<void> {
  const isKept = (await memory.checkpoints()).some(
    ({ endpoint, checkpoint }) => endpoint === seen.endpoint && isEqualCheckpoint(checkpoint, seen.checkpoint),
  )
  if (!isKept) await memory.keepCheckpoint(seen, MOST_SEEN)
}
