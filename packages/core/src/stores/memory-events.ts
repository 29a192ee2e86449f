import { auditRecord } from '../domain/audit-record.ts'
import { type ChainHead, LINK_VERSION, linkText, NO_LINKS } from '../domain/chain.ts'
import type { Event } from '../domain/events/event.ts'
import type { AuditTrail } from '../ports/store.ts'
import { sha256Hex } from '../ports/system.ts'

interface Entry {
  readonly event: Event
  /** Its place in the chain, from 1. */
  readonly count: number
  hash?: string
}

/** The events of a connection, the newest ones, and the chain of all there ever were. */
export interface MemoryEvents {
  append(events: readonly Event[]): void
  /** Finds an event that is still kept. */
  find(id: string): Event | undefined
  readonly size: number
  /** Forgets what is beyond the bound. */
  prune(): Promise<void>
  page(of: Parameters<AuditTrail['events']>[1]): Awaited<ReturnType<AuditTrail['events']>>
  chain(of: Parameters<AuditTrail['chain']>[1]): ReturnType<AuditTrail['chain']>
  head(): Promise<ChainHead>
}

/** Hashes are made when somebody asks for them, or before what they build on is forgotten. */
export function createMemoryEvents(connection: string, keep: number): MemoryEvents {
  const entries: Entry[] = []
  const byId = new Map<string, Event>()
  let count = 0
  let forgotten = NO_LINKS
  let linking: Promise<ChainHead> = Promise.resolve(NO_LINKS)

  async function link(): Promise<ChainHead> {
    let head = forgotten
    for (const entry of entries.slice()) {
      entry.hash ??= await sha256Hex(linkText(connection, head, auditRecord(entry.event)))
      head = { chain: 0, count: entry.count, hash: entry.hash }
    }
    return head
  }
  const linked = (): Promise<ChainHead> => (linking = linking.then(link))

  const pageOf = (after: number, limit: number) => {
    const from = Math.max(0, after - forgotten.count)
    const page = entries.slice(from, from + limit)
    const next = from + limit < entries.length ? page.at(-1)?.count : undefined
    return { page, ...(next === undefined ? {} : { next }) }
  }

  return {
    append(events) {
      for (const event of events) {
        byId.set(event.id, event)
        entries.push({ event, count: (count += 1) })
      }
    },
    find: (id) => byId.get(id),
    get size() {
      return count
    },
    async prune() {
      // In large steps, because removing from the front moves all the rest.
      if (entries.length <= keep * 2) return
      await linked()
      // Others may have been added meanwhile, and are not linked yet.
      const ready = entries.findIndex(({ hash }) => hash === undefined)
      const most = ready === -1 ? entries.length : ready
      const removed = entries.splice(0, Math.max(0, Math.min(most, entries.length - keep)))
      for (const { event } of removed) byId.delete(event.id)
      const last = removed.at(-1)
      if (last?.hash !== undefined) forgotten = { chain: 0, count: last.count, hash: last.hash }
    },
    page({ after = 0, limit }) {
      const { page, ...next } = pageOf(after, limit)
      return { events: page.map(({ event }) => event), ...next }
    },
    async chain({ after = 0, limit }) {
      await linked()
      const { page, ...next } = pageOf(after, limit)
      return {
        links: page.map(({ count, event, hash = '' }) => ({ chain: 0, count, event, hash, version: LINK_VERSION })),
        ...next,
      }
    },
    head: linked,
  }
}
