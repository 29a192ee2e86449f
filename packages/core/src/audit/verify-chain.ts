import type { AuditRecord } from '../domain/audit-record.ts'
import { type ChainHead, type LinkPlace, linkText, EMPTY_CHAIN } from '../domain/chain.ts'
import { sha256Hex } from '../ports/system.ts'
import { type Checkpoint, checkpointFault } from './checkpoint.ts'

/** An audit record with its place in the chain. */
export interface ChainedRecord extends LinkPlace {
  readonly record: AuditRecord
  /** Its line in a file, from 1; absent for a record of a store. */
  readonly line?: number
}

/**
 * What is wrong with a chain. `edited`: the record is not the one that was written. `missing`: one or more
 * records before it were removed. `reordered`: it is in another place. `truncated`: the end was cut off.
 * `checkpoint`: a checkpoint does not belong to this chain. `malformed`: a line is not an audit record.
 */
export type ChainReason = 'edited' | 'missing' | 'reordered' | 'truncated' | 'checkpoint' | 'malformed'

/** The first fault of a chain. */
export interface ChainFault {
  /** The number of the first record that does not fit, or that is missing; from 1. */
  readonly count: number
  readonly reason: ChainReason
  /** What is wrong, as a sentence. */
  readonly message: string
  /** The line of a file, from 1; absent for a chain of a store. */
  readonly line?: number
}

/**
 * The result of the verification of a chain: valid, with the number and hash of its last record, or the first
 * fault. `anchored`: the number of the last record that a signed checkpoint confirms; 0 for none. `from`: the
 * number of the first record that was checked; absent if that is 1.
 */
export type ChainVerdict =
  | ({ readonly valid: true; readonly anchored: number; readonly from?: number } & Pick<ChainHead, 'count' | 'hash'>)
  | ({ readonly valid: false } & ChainFault)

/** What a chain is compared with. */
export interface ExpectedChain {
  /** The connection of the records. */
  readonly connection: string
  /** The end that the chain must reach, as a store knows it. Default: none. */
  readonly head?: ChainHead
  /** Signed checkpoints of the chain, in any order. Default: none. */
  readonly checkpoints?: readonly Checkpoint[]
  /** The records begin after this checkpoint. Default: with record 1. */
  readonly base?: Checkpoint
}

/** Checks a chain record by record. */
export interface ChainCheck {
  /** Checks the next record. Resolves to the first fault; undefined while there is none. */
  next(link: ChainedRecord): Promise<ChainVerdict | undefined>
  /** Ends the check, after the last record. */
  finish(): ChainVerdict
}

/** A head of the chain that is known from elsewhere. */
interface Anchor extends ChainHead {
  /** What names this head, for messages. */
  readonly by: string
}

/** What a check knows after the records so far. */
interface Progress {
  readonly connection: string
  /** The number of the first record. */
  readonly from: number
  /** In the order of their counts. */
  readonly anchors: readonly Anchor[]
  /** The number of the last record that a signed checkpoint confirms. */
  readonly anchored: number
  /** How many anchors were compared. */
  compared: number
  last: ChainHead
  /** A record that is ahead of its place. The next one decides whether two were swapped or one is missing. */
  ahead: ChainedRecord | undefined
}

/**
 * Begins to check a chain from its first record, or from its base. Answers a verdict at once when a checkpoint is wrong by
 * itself.
 */
export async function createChainCheck(
  expected: ExpectedChain,
): Promise<ChainCheck | (ChainVerdict & { readonly valid: false })> {
  const { connection, base, checkpoints: given = [] } = expected
  const { head = base ? headOf(base) : EMPTY_CHAIN } = expected
  const checkpoints = base ? [base, ...given] : given
  for (const checkpoint of checkpoints) {
    const fault =
      (await checkpointFault(checkpoint, connection)) ?? foreign(checkpoint, head) ?? misplaced(checkpoint, base)
    if (fault) return brokenChain(checkpoint.count, 'checkpoint', `Checkpoint ${checkpoint.number} ${fault}.`)
  }
  const progress: Progress = {
    connection,
    from: (base?.count ?? 0) + 1,
    anchors: anchorsOf(head, checkpoints).filter(({ count }) => count >= (base?.count ?? 0)),
    anchored: Math.max(0, ...checkpoints.map(({ count }) => count)),
    compared: 0,
    last: base ? headOf(base) : { ...EMPTY_CHAIN, chain: head.chain },
    ahead: undefined,
  }
  const fault = anchorFault(progress)
  if (fault) return fault
  return { next: (link) => nextLink(progress, link), finish: () => finish(progress) }
}

const anchorsOf = (head: ChainHead, checkpoints: readonly Checkpoint[]): readonly Anchor[] =>
  [
    { ...head, by: 'the end that the store noted' },
    ...checkpoints.map(({ chain = 0, count, hash, number }) => ({ chain, count, hash, by: `checkpoint ${number}` })),
  ].sort((a, b) => a.count - b.count)

async function nextLink(progress: Progress, link: ChainedRecord): Promise<ChainVerdict | undefined> {
  const { connection, last, ahead } = progress
  const { chain, count, hash, line, version } = link
  const expected = last.count + 1
  const broken = (reason: ChainReason, message: string) => brokenChain(count, reason, message, line)
  if (chain !== last.chain)
    return broken('reordered', `Record ${count} is of chain ${chain}, not of chain ${last.chain}.`)
  if (ahead) return count === expected ? swapped(expected, ahead) : gap(last, ahead)
  if (count > expected) {
    progress.ahead = link
    return undefined
  }
  if (count < expected) return broken('reordered', `Record ${count} follows record ${last.count}.`)
  if ((await sha256Hex(linkText(connection, last, link.record, version))) !== hash)
    return broken('edited', `Record ${count} is not the one that was written: it, or one before it, was changed.`)
  progress.last = { chain, count, hash }
  return anchorFault(progress, line)
}

/** Compares the end reached so far with the anchors that name it. */
function anchorFault(progress: Progress, line?: number): (ChainVerdict & { readonly valid: false }) | undefined {
  const { anchors, last } = progress
  for (;;) {
    const anchor = anchors[progress.compared]
    if (!anchor || anchor.count > last.count) return undefined
    if (anchor.count === last.count && anchor.hash !== last.hash) {
      const message = `Record ${last.count} is not the one that ${anchor.by} names: the chain was written anew.`
      return brokenChain(last.count, 'checkpoint', message, line)
    }
    progress.compared += 1
  }
}

function finish(progress: Progress): ChainVerdict {
  const { anchors, anchored, last, ahead, from } = progress
  if (ahead) return gap(last, ahead)
  const fault = anchorFault(progress)
  if (fault) return fault
  const beyond = anchors.at(-1)
  if (!beyond || beyond.count <= last.count)
    return { valid: true, count: last.count, hash: last.hash, anchored, ...(from > 1 ? { from } : {}) }
  const message = `The chain ends with record ${last.count}, and ${beyond.by} knew ${beyond.count}: its end was cut off.`
  return brokenChain(last.count + 1, 'truncated', message)
}

/**
 * Verifies a chain from its first record, one record at a time.
 *
 * @param records the records in the order of their chain
 * @param expected what the chain is compared with
 * @returns the first fault, or how long the chain is
 */
export async function verifyChain(
  records: AsyncIterable<ChainedRecord> | Iterable<ChainedRecord>,
  expected: ExpectedChain,
): Promise<ChainVerdict> {
  const check = await createChainCheck(expected)
  if ('valid' in check) return check
  for await (const link of records) {
    const fault = await check.next(link)
    if (fault) return fault
  }
  return check.finish()
}

const headOf = ({ chain = 0, count, hash }: Checkpoint): ChainHead => ({ chain, count, hash })

/** Numbers and counts of checkpoints rise together. Records before the base cannot be compared any more. */
const misplaced = ({ number, count }: Checkpoint, base: Checkpoint | undefined): string | undefined =>
  !base || Math.sign(number - base.number) === Math.sign(count - base.count)
    ? undefined
    : `is of another chain than checkpoint ${base.number}`

const foreign = ({ chain = 0 }: Checkpoint, head: ChainHead): string | undefined =>
  chain === head.chain ? undefined : `is of chain ${chain}, not of chain ${head.chain}`

const swapped = (expected: number, { count, line }: ChainedRecord): ChainVerdict =>
  brokenChain(expected, 'reordered', `Record ${expected} follows record ${count}.`, line)

const gap = (last: ChainHead, { count, line }: ChainedRecord): ChainVerdict => {
  const missing = count - last.count - 1
  const what = missing === 1 ? `Record ${last.count + 1} is` : `Records ${last.count + 1} to ${count - 1} are`
  return brokenChain(
    last.count + 1,
    'missing',
    `${what} missing: record ${count} follows ${last.count === 0 ? 'the beginning' : `record ${last.count}`}.`,
    line,
  )
}

export const brokenChain = (
  count: number,
  reason: ChainReason,
  message: string,
  line?: number,
): ChainVerdict & { readonly valid: false } => ({
  valid: false,
  count,
  reason,
  message,
  ...(line === undefined ? {} : { line }),
})
