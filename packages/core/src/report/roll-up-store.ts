import { documentKind } from '../domain/document-kinds.ts'
import { HOUR, type Instant, iso } from '../domain/time.ts'
import { chainLinks } from '../ports/chain-links.ts'
import { pagesOf } from '../ports/pages.ts'
import type { Json } from '../domain/json.ts'
import type { DocumentWrite, Store } from '../ports/store.ts'
import { addTotals, NO_TOTALS, type Totals, totalsOf } from './totals.ts'

/** The connection of roll-ups, and its store. */
export interface RollUpParts {
  readonly connection: string
  readonly store: Pick<Store, 'commit' | 'document' | 'documents' | 'chain' | 'chainHead'>
}

/** The totals of the events of an hour. Other hours may have events in between, because clocks differ. */
export interface HourTotals extends Totals {
  /** The places of its first and last event in the chain. */
  readonly first: number
  readonly last: number
}

/** The totals of all events up to a place in the chain. */
export interface AllTotals extends Totals {
  /** The place of the last event that was added; 0 before the first one. */
  readonly last: number
  /** The time of the earliest event; absent before the first one. */
  readonly since?: Instant
}

const PAGE = 1_000
/** The most events and hours of one commit. */
const MAX_EVENTS = 10_000
const MAX_HOURS = 100

const ALL = 'all'
const NOTHING: AllTotals = { ...NO_TOTALS, last: 0 }

/** Later times count as of this hour, and times before 1970 as of the first one, so that ids are in the order of time. */
const LAST_HOUR: Instant = Date.UTC(9999, 11, 31, 23)

/** The first moment of the hour of a time. */
export const hourOf = (at: Instant): Instant => Math.min(Math.max(0, Math.floor(at / HOUR) * HOUR), LAST_HOUR)

/** The id of the document of an hour, as 2026-01-31T09. Ids are in the order of time. */
const hourId = (hour: Instant): string => iso(hour).slice(0, 'yyyy-mm-ddThh'.length)

/** The totals of all events that were added, and the revision of their document. */
export async function allTotals({ connection, store }: RollUpParts) {
  const { value, revision } = await store.document(connection, documentKind.rollUpTotals, ALL)
  // Only `addEvents` writes it.
  return { revision, totals: value === undefined ? NOTHING : (value as unknown as AllTotals) }
}

/** The totals of the hours from a moment on, in the order of time. `from`: the first moment of an hour. */
export async function* hoursFrom(
  { connection, store }: RollUpParts,
  from: Instant,
): AsyncGenerator<{ readonly hour: Instant; readonly totals: HourTotals }> {
  const kind = documentKind.rollUp
  const first = from < HOUR ? {} : { after: hourId(from - HOUR) }
  const pages = pagesOf((start) => store.documents(connection, { kind, limit: PAGE, ...first, ...start }))
  for await (const { documents } of pages)
    for (const { id, value } of documents) yield { hour: Date.parse(`${id}:00Z`), totals: hourTotals(value) }
}

/** Only `addEvents` writes the values. */
const hourTotals = (value: Json): HourTotals => value as unknown as HourTotals

/** The next events, up to the end of the chain or the most of one commit. */
interface Batch {
  /** Whether there are more events. */
  isFull: boolean
  /** The place of its last event. */
  last: number
  since: Instant
  readonly hours: Map<Instant, HourTotals>
}

/**
 * Adds the next events to the totals of their hours and of all hours, in one commit. The commit expects the
 * totals as they were read, so that no event is added twice by any process.
 *
 * @returns the place of the last event that is in the totals, and which events are left: none of those that were
 *   stored at the call, more than one commit takes, or those that another process adds at the same time
 */
export async function addEvents(
  parts: RollUpParts,
): Promise<{ readonly last: number; readonly left: 'none' | 'more' | 'conflict' }> {
  const { connection, store } = parts
  const { totals, revision } = await allTotals(parts)
  const batch = await nextBatch(parts, totals.last)
  if (batch.hours.size === 0) return { last: totals.last, left: 'none' }
  const hours = await Promise.all([...batch.hours].map(([hour, added]) => hourWrite(parts, hour, added)))
  const sums = [...batch.hours.values()].reduce<Totals>(addTotals, totals)
  const value = { ...sums, last: batch.last, since: Math.min(totals.since ?? batch.since, batch.since) }
  const all: DocumentWrite = { kind: documentKind.rollUpTotals, id: ALL, value: { ...value }, expect: { revision } }
  const outcome = await store.commit({ connection, documents: [all, ...hours] })
  if (outcome === 'conflict') return { last: totals.last, left: 'conflict' }
  // Those that came meanwhile are left for the next time: on a busy store, there would be no end.
  return { last: batch.last, left: batch.isFull ? 'more' : 'none' }
}

async function nextBatch({ connection, store }: RollUpParts, after: number): Promise<Batch> {
  const batch: Batch = { isFull: false, last: after, since: Number.POSITIVE_INFINITY, hours: new Map() }
  let size = 0
  for await (const { event, count } of chainLinks(store, connection, { after })) {
    const hour = hourOf(event.at)
    if (size === MAX_EVENTS || (batch.hours.size === MAX_HOURS && !batch.hours.has(hour))) {
      batch.isFull = true
      break
    }
    const before = batch.hours.get(hour)
    batch.hours.set(hour, {
      ...addTotals(before ?? NO_TOTALS, totalsOf(event)),
      first: before?.first ?? count,
      last: count,
    })
    batch.last = count
    batch.since = Math.min(batch.since, event.at)
    size += 1
  }
  return batch
}

async function hourWrite({ connection, store }: RollUpParts, hour: Instant, added: HourTotals): Promise<DocumentWrite> {
  const [kind, id] = [documentKind.rollUp, hourId(hour)]
  const { value, revision } = await store.document(connection, kind, id)
  const before = value === undefined ? undefined : hourTotals(value)
  const sum = before ? { ...addTotals(before, added), first: before.first, last: added.last } : added
  return { kind, id, value: { ...sum }, expect: { revision } }
}

/** Removes the documents of the hours before a moment, in batches. Returns how many. The totals stay. */
export async function removeHours(
  { connection, store }: RollUpParts,
  before: Instant,
  signal?: AbortSignal,
): Promise<number> {
  const kind = documentKind.rollUp
  const end = hourId(hourOf(before))
  let removed = 0
  for (;;) {
    if (signal?.aborted) return removed
    const page = await store.documents(connection, { kind, limit: MAX_HOURS })
    const old = page.documents.filter(({ id }) => id < end)
    if (old.length === 0) return removed
    const documents = old.map(({ id, revision }) => ({ kind, id, expect: { revision } }))
    // After a conflict, another process has removed or changed one of them, and they are read again.
    if ((await store.commit({ connection, documents })) === 'done') removed += old.length
  }
}
