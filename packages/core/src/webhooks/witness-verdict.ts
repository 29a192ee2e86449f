import { type Checkpoint, checkpointFault } from '../audit/checkpoint.ts'
import type { Instant, Millis } from '../domain/time.ts'
import { type SentCheckpoint, sentCheckpointOf } from './checkpoint-header.ts'
import type { SeenCheckpoint } from './receiver-memory.ts'

/**
 * Why a message shows that the audit chain of the sender is not the one that the receiver knows. `forked`: a record
 * that was under a checkpoint has another hash now. `went_back`: the chain is shorter than it was. `unlinked`: the
 * message does not name a checkpoint that the receiver knows, so that the chain may be another one. `key`: the
 * checkpoint is signed with another key. `malformed`: the header cannot be read, or its signature is not right.
 * `missing`: the message has no checkpoint, and earlier messages had one.
 */
export type WitnessReason = 'forked' | 'went_back' | 'unlinked' | 'key' | 'malformed' | 'missing'

/**
 * What a message shows of the audit chain of the sender. `first`: it has the first checkpoint that the receiver sees
 * of this chain. `consistent`: the chain goes on from what the receiver knows. `broken`: it does not.
 */
export type WitnessVerdict =
  | { readonly status: 'first' | 'consistent'; readonly checkpoint: Checkpoint }
  | ({ readonly status: 'broken' } & WitnessFault)

/** What is wrong with the audit chain of a sender. */
export interface WitnessFault {
  readonly reason: WitnessReason
  /** What is wrong, as a sentence. */
  readonly message: string
  /** The checkpoint of the message; absent if it has none that can be read. */
  readonly checkpoint?: Checkpoint
  /** The checkpoint that the receiver knows and that contradicts; absent if there is none. */
  readonly known?: Checkpoint
}

/** What is known of a message and of the receiver. */
export interface WitnessFacts {
  readonly seen: readonly SeenCheckpoint[]
  /** Public keys that may sign; undefined: the key of the first checkpoint of the connection. */
  readonly keys: readonly string[] | undefined
  /** When the message was sent. */
  readonly at: Instant
  /** How far clocks may differ. */
  readonly toleranceMs: Millis
}

/** Judges the header of a message; undefined if it has none and earlier messages had none either. */
export async function witnessVerdict(
  header: string | undefined,
  facts: WitnessFacts,
): Promise<{ readonly verdict?: WitnessVerdict; readonly seen?: SeenCheckpoint }> {
  if (header === undefined) return facts.seen.length === 0 ? {} : { verdict: broken('missing', MISSING) }
  const sent = sentCheckpointOf(header)
  if (!sent) return { verdict: broken('malformed', MALFORMED) }
  const { checkpoint, endpoint } = sent
  const known = facts.seen.filter((one) => one.checkpoint.connection === checkpoint.connection)
  const fault =
    (await signatureFault(checkpoint, known, facts)) ??
    forkedFault(checkpoint, known) ??
    wentBackFault(checkpoint, known, facts) ??
    linkFault(sent, known)
  // A chain that contradicts what is known is not remembered, so that it is reported until it is accepted.
  const isKept = fault === undefined || fault.reason === 'unlinked'
  const verdict: WitnessVerdict = fault
    ? { status: 'broken', ...fault }
    : { status: known.length === 0 ? 'first' : 'consistent', checkpoint }
  return { verdict, ...(isKept ? { seen: { endpoint, checkpoint } } : {}) }
}

const broken = (reason: WitnessReason, message: string): WitnessVerdict => ({ status: 'broken', reason, message })

export const isEqualCheckpoint = (a: Checkpoint, b: Checkpoint): boolean => JSON.stringify(a) === JSON.stringify(b)

async function signatureFault(
  checkpoint: Checkpoint,
  known: readonly SeenCheckpoint[],
  { keys }: WitnessFacts,
): Promise<WitnessFault | undefined> {
  const { number, keyId, publicKey } = checkpoint
  const pinned = keys ?? known.map((one) => one.checkpoint.publicKey)
  if ((keys || known.length > 0) && !pinned.includes(publicKey)) {
    const before = keys ? undefined : known[0]?.checkpoint
    const expected = before ? `the one before with ${before.keyId}` : 'none of `checkpointKeys` is this key'
    return fault('key', `Checkpoint ${number} is signed with key ${keyId}, and ${expected}.`, checkpoint, before)
  }
  if (known.some((one) => isEqualCheckpoint(one.checkpoint, checkpoint))) return undefined
  const wrong = await checkpointFault(checkpoint, checkpoint.connection)
  return wrong === undefined ? undefined : fault('malformed', `Checkpoint ${number} ${wrong}.`, checkpoint)
}

/** Checkpoints with the same number are the same, and a later number has more records. */
function forkedFault(checkpoint: Checkpoint, known: readonly SeenCheckpoint[]): WitnessFault | undefined {
  const { number, count, hash, chain = 0 } = checkpoint
  const other = known
    .map((one) => one.checkpoint)
    .find((one) => {
      if ((one.chain ?? 0) !== chain) return false
      if (one.number === number || one.count === count)
        return one.number !== number || one.count !== count || one.hash !== hash
      return one.number < number !== one.count < count
    })
  return other && fault('forked', `${named(checkpoint)}, and ${named(other, true)}.`, checkpoint, other)
}

/** A message that was sent long after a newer checkpoint was made should have it. */
function wentBackFault(
  checkpoint: Checkpoint,
  known: readonly SeenCheckpoint[],
  { at, toleranceMs }: WitnessFacts,
): WitnessFault | undefined {
  const newer = known
    .map((one) => one.checkpoint)
    .find((one) => one.number > checkpoint.number && at > Date.parse(one.at) + toleranceMs)
  return (
    newer &&
    fault(
      'went_back',
      `The newest checkpoint of the sender is ${checkpoint.number}, and it had ${newer.number} before.`,
      checkpoint,
      newer,
    )
  )
}

/** Compares the hash that the chain has now at the place that the endpoint acknowledged. */
function linkFault(
  { checkpoint, endpoint, since }: SentCheckpoint,
  seen: readonly SeenCheckpoint[],
): WitnessFault | undefined {
  const all = seen.map((one) => one.checkpoint)
  const isNew = !seen.some((one) => one.endpoint === endpoint)
  if (!since) {
    if (isNew) return undefined
    return all.some((one) => isEqualCheckpoint(one, checkpoint)) ? undefined : fault('unlinked', UNLINKED, checkpoint)
  }
  const { number, count, hash, pruned } = since
  const known = all.find((one) => one.number === number || one.count === count)
  if (hash === undefined && pruned)
    return fault(
      'unlinked',
      `The sender has removed record ${count}, so that nothing shows the link.`,
      checkpoint,
      known,
    )
  if (hash === undefined)
    return fault('went_back', `The chain of the sender has no record ${count} any more.`, checkpoint, known)
  const expected = known ?? (count === checkpoint.count ? checkpoint : undefined)
  if (expected && (expected.count !== count || expected.number !== number || expected.hash !== hash))
    return fault(
      'forked',
      `Record ${count} is not the one that ${named(expected)}: the chain was written anew.`,
      checkpoint,
      expected,
    )
  const message = `The sender continues from checkpoint ${number}, which this receiver does not know.`
  // The sender names the checkpoint of its first message also if that message did not arrive.
  return known || isNew ? undefined : fault('unlinked', message, checkpoint)
}

const named = ({ number, count, hash }: Checkpoint, before = false): string =>
  `checkpoint ${number} ${before ? 'named' : 'names'} record ${count} as ${hash.slice(0, 16)}${before ? ' before' : ''}`

const fault = (reason: WitnessReason, message: string, checkpoint: Checkpoint, known?: Checkpoint): WitnessFault => ({
  reason,
  message: message.charAt(0).toUpperCase() + message.slice(1),
  checkpoint,
  ...(known ? { known } : {}),
})

const MISSING = 'The message has no checkpoint of the audit chain, and earlier ones had one.'
const MALFORMED = 'The header guestpass-checkpoint cannot be read.'
const UNLINKED = 'The message names no checkpoint that this endpoint acknowledged, and it acknowledged one before.'
