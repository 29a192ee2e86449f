import { auditRecord } from '../domain/audit-record.ts'
import { type ChainHead, LINK_VERSION, linkText, EMPTY_CHAIN } from '../domain/chain.ts'
import type { Event } from '../domain/events/event.ts'
import type { AuditTrail } from '../ports/store.ts'
import { sha256Hex } from '../ports/system.ts'

interface Entry {
  readonly event: Event
  /** The place in the chain, from 1. */
  readonly count: number
  hash?: string
}

/** The newest events of a connection, and the audit chain of all its events. */
export interface MemoryEvents {
  append(events: readonly Event[]): void
  /** Undefined if the event was never appended, or was removed. */
  find(id: string): Event | undefined
  /** How many events were appended, removed ones included. */
  readonly size: number
  /** The events that are kept, the oldest first. */
  kept(): readonly Event[]
  /** Removes the oldest events if there are more than twice as many as to keep. */
  trim(): Promise<void>
  /** Removes events up to the count `through`, at most `limit`. Resolves to their ids. */
  prune(through: number, limit: number): Promise<readonly string[]>
  page(request: Parameters<AuditTrail['events']>[1]): Awaited<ReturnType<AuditTrail['events']>>
  chain(request: Parameters<AuditTrail['chain']>[1]): ReturnType<AuditTrail['chain']>
  head(): Promise<ChainHead>
}

interface State {
  readonly connection: string
  /** How many events to keep. */
  readonly keep: number
  readonly entries: Entry[]
  readonly byId: Map<string, Event>
  count: number
  /** The link of the last event that was removed. */
  removed: ChainHead
  linking: Promise<ChainHead>
}

/**
 * An empty list of events. Keeps the newest `keep` events at least. Hashes them when a caller reads the
 * chain.
 */
export function createMemoryEvents(connection: string, keep: number): MemoryEvents {
  const state: State = {
    connection,
    keep,
    entries: [],
    byId: new Map(),
    count: 0,
    removed: EMPTY_CHAIN,
    linking: Promise.resolve(EMPTY_CHAIN),
  }
  return {
    append: (events) => append(state, events),
    find: (id) => state.byId.get(id),
    get size() {
      return state.count
    },
    kept: () => state.entries.map(({ event }) => event),
    trim: () => trim(state),
    prune: (through, limit) => removeFirst(state, (entries) => Math.min(limit, countUpTo(entries, through))),
    page({ after = 0, limit }) {
      const { page, ...next } = pageOf(state, after, limit)
      return { events: page.map(({ event }) => event), ...next }
    },
    async chain({ after = 0, before, limit, subject }) {
      await link(state)
      const { page, ...next } =
        before === undefined ? pageOf(state, after, limit, subject) : pageBefore(state, before, limit, subject)
      return {
        links: page.map(({ count, event, hash = '' }) => ({ chain: 0, count, event, hash, version: LINK_VERSION })),
        ...next,
      }
    },
    head: () => link(state),
  }
}

function append(state: State, events: readonly Event[]): void {
  for (const event of events) {
    state.byId.set(event.id, event)
    state.count += 1
    state.entries.push({ event, count: state.count })
  }
}

/** Hashes the entries that have no hash yet. Concurrent calls run one after another. */
function link(state: State): Promise<ChainHead> {
  state.linking = state.linking.then(() => linkEntries(state))
  return state.linking
}

async function linkEntries({ connection, entries, removed }: State): Promise<ChainHead> {
  let head = removed
  for (const entry of entries.slice()) {
    entry.hash ??= await sha256Hex(linkText(connection, head, auditRecord(entry.event)))
    head = { chain: 0, count: entry.count, hash: entry.hash }
  }
  return head
}

async function trim(state: State): Promise<void> {
  const { entries, keep } = state
  // In large steps, because a removal from the front moves all other entries.
  if (entries.length > keep * 2) await removeFirst(state, ({ length }) => length - keep)
}

const countUpTo = (entries: readonly Entry[], through: number): number => {
  const later = entries.findIndex(({ count }) => count > through)
  return later === -1 ? entries.length : later
}

/** Removes the first entries. `most`: how many, given all of them. Resolves to the ids of their events. */
async function removeFirst(state: State, most: (entries: readonly Entry[]) => number): Promise<readonly string[]> {
  const { entries, byId } = state
  await link(state)
  // Entries that were appended in the meantime have no hash yet, and stay.
  const unlinked = entries.findIndex(({ hash }) => hash === undefined)
  const linked = unlinked === -1 ? entries.length : unlinked
  const removed = entries.splice(0, Math.max(0, Math.min(linked, most(entries))))
  for (const { event } of removed) byId.delete(event.id)
  const last = removed.at(-1)
  if (last?.hash !== undefined) state.removed = { chain: 0, count: last.count, hash: last.hash }
  return removed.map(({ event }) => event.id)
}

function pageOf({ entries, removed }: State, after: number, limit: number, subject?: string) {
  const from = Math.max(0, after - removed.count)
  return firstOf(
    subject === undefined ? entries.slice(from, from + limit + 1) : ofSubject(entries, from, subject),
    limit,
  )
}

/** The newest entries before a count, the newest first. */
function pageBefore({ entries, removed }: State, before: number, limit: number, subject?: string) {
  const earlier = entries.slice(0, Math.max(0, before - removed.count - 1))
  return firstOf((subject === undefined ? earlier : ofSubject(earlier, 0, subject)).toReversed(), limit)
}

function firstOf(rest: readonly Entry[], limit: number) {
  const page = rest.slice(0, limit)
  const next = rest.length > limit ? page.at(-1)?.count : undefined
  return { page, ...(next === undefined ? {} : { next }) }
}

const ofSubject = (entries: readonly Entry[], from: number, subject: string): readonly Entry[] =>
  entries.slice(from).filter(({ event }) => event.subject === subject)
