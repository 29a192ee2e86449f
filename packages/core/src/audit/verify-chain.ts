import type { AuditRecord } from '../domain/audit-record.ts'
import { type ChainHead, type LinkPlace, linkText, NO_LINKS } from '../domain/chain.ts'
import { sha256Hex } from '../ports/system.ts'
import { type Checkpoint, checkpointFault } from './checkpoint.ts'

/** A record with its place in the chain. `line`: where it stands, when it comes from a file; from 1. */
export interface ChainedRecord extends LinkPlace {
  readonly record: AuditRecord
  readonly line?: number
}

/**
 * What is wrong with a chain. `edited`: the record is not the one that was chained. `missing`: one or more before it were
 * removed. `reordered`: it stands in another place. `truncated`: the end was cut off. `checkpoint`: a checkpoint does not
 * belong to this chain. `malformed`: no audit record.
 */
export type ChainReason = 'edited' | 'missing' | 'reordered' | 'truncated' | 'checkpoint' | 'malformed'

export interface ChainFault {
  /** The count of the first record that does not fit; of the first that is missing. */
  readonly count: number
  readonly reason: ChainReason
  readonly message: string
  readonly line?: number
}

export type ChainVerdict =
  /** `anchored`: up to which count signed checkpoints vouch for it. */
  | ({ readonly valid: true; readonly anchored: number } & Pick<ChainHead, 'count' | 'hash'>)
  | ({ readonly valid: false } & ChainFault)

export interface ExpectedChain {
  readonly connection: string
  /** Where the chain must end at least. */
  readonly head?: ChainHead
  /** Signed heads to compare with, in any order. */
  readonly checkpoints?: readonly Checkpoint[]
}

/** Checks a chain record by record. */
export interface ChainCheck {
  /** Takes the next record; the first fault, when there is one. */
  next(link: ChainedRecord): Promise<ChainVerdict | undefined>
  /** No more records come. */
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
  /** In the order of their counts. */
  readonly anchors: readonly Anchor[]
  /** Up to which count signed checkpoints prove the chain. */
  readonly anchored: number
  /** How many anchors were compared. */
  compared: number
  last: ChainHead
  /** A record that is ahead of its place. It is held back, to distinguish a swap from a gap. */
  held: ChainedRecord | undefined
}

/** Begins to check a chain from its first record. Answers a verdict at once when a checkpoint is wrong by itself. */
export async function createChainCheck(
  expected: ExpectedChain,
): Promise<ChainCheck | (ChainVerdict & { readonly valid: false })> {
  const { connection, head = NO_LINKS, checkpoints = [] } = expected
  for (const checkpoint of checkpoints) {
    const fault = (await checkpointFault(checkpoint, connection)) ?? foreign(checkpoint, head)
    if (fault) return brokenChain(checkpoint.count, 'checkpoint', `Checkpoint ${checkpoint.number} ${fault}.`)
  }
  const progress: Progress = {
    connection,
    anchors: anchorsOf(head, checkpoints),
    anchored: Math.max(0, ...checkpoints.map(({ count }) => count)),
    compared: 0,
    last: { ...NO_LINKS, chain: head.chain },
    held: undefined,
  }
  return { next: (link) => nextLink(progress, link), finish: () => finish(progress) }
}

const anchorsOf = (head: ChainHead, checkpoints: readonly Checkpoint[]): readonly Anchor[] =>
  [
    { ...head, by: 'the end that the store noted' },
    ...checkpoints.map(({ chain = 0, count, hash, number }) => ({ chain, count, hash, by: `checkpoint ${number}` })),
  ].sort((a, b) => a.count - b.count)

async function nextLink(progress: Progress, link: ChainedRecord): Promise<ChainVerdict | undefined> {
  const { connection, last, held } = progress
  const { chain, count, hash, line, version } = link
  const expected = last.count + 1
  const broken = (reason: ChainReason, message: string) => brokenChain(count, reason, message, line)
  if (chain !== last.chain)
    return broken('reordered', `Record ${count} is of chain ${chain}, not of chain ${last.chain}.`)
  if (held) return count === expected ? swapped(expected, held) : gap(last, held)
  if (count > expected) {
    progress.held = link
    return undefined
  }
  if (count < expected) return broken('reordered', `Record ${count} stands behind record ${last.count}.`)
  if ((await sha256Hex(linkText(connection, last, link.record, version))) !== hash)
    return broken('edited', `Record ${count} is not the one that was written: it, or one before it, was changed.`)
  progress.last = { chain, count, hash }
  return anchorFault(progress, line)
}

/** Compares the end reached so far with the anchors that name it. */
function anchorFault(progress: Progress, line?: number): ChainVerdict | undefined {
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
  const { anchors, anchored, last, held } = progress
  if (held) return gap(last, held)
  const fault = anchorFault(progress)
  if (fault) return fault
  const beyond = anchors.at(-1)
  if (!beyond || beyond.count <= last.count) return { valid: true, count: last.count, hash: last.hash, anchored }
  const message = `The chain ends with record ${last.count}, and ${beyond.by} knew ${beyond.count}: its end was cut off.`
  return brokenChain(last.count + 1, 'truncated', message)
}

/** Goes through a chain from its beginning, one record at a time, and finds the first thing that is wrong with it. */
export async function verifyChain(
  records: AsyncIterable<ChainedRecord> | Iterable<ChainedRecord>,
  of: ExpectedChain,
): Promise<ChainVerdict> {
  const check = await createChainCheck(of)
  if ('valid' in check) return check
  for await (const link of records) {
    const fault = await check.next(link)
    if (fault) return fault
  }
  return check.finish()
}

const foreign = ({ chain = 0 }: Checkpoint, head: ChainHead): string | undefined =>
  chain === head.chain ? undefined : `is of chain ${chain}, not of chain ${head.chain}`

const swapped = (expected: number, { count, line }: ChainedRecord): ChainVerdict =>
  brokenChain(expected, 'reordered', `Record ${expected} stands behind record ${count}.`, line)

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
