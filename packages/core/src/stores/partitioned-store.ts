import { reservePermits, applyFeedback } from '../domain/bucket.ts'
import type { Event } from '../domain/events/event.ts'
import type { Clock } from '../ports/clock.ts'
import type { Change, FoundCredential, Route, Store } from '../ports/store.ts'
import { frozenCopy } from './frozen-copy.ts'
import { takeLease } from './lease.ts'
import { createMemoryOutbox } from './memory-outbox.ts'
import { createPartition, type Partition } from './partition.ts'
import { checkDocumentClaim, checkCredentialClaim, checkPageLimit, checkCountLimit } from './argument-checks.ts'

export interface PartitionOptions {
  readonly clock: Clock
  /** Which sinks get an event. */
  readonly route: Route
  /** Events kept of each connection, the newest ones. */
  readonly keepEvents: number
}

/** Everything of a store in memory but its commits. */
export interface PartitionedStore {
  readonly store: Omit<Store, 'commit' | 'ensureRoom' | 'close'>
  partitionOf(connection: string): Partition
  /** Looks up the sinks of a change's events, which may fail. The function that comes back adds the events, and cannot fail. */
  prepareEvents(partition: Partition, events: Change['events']): () => void
}

/** `partitions`: those of all connections, by name; what is put into them counts from the next call on. */
export function createPartitionedStore(
  partitions: Map<string, Partition>,
  { clock, route, keepEvents }: PartitionOptions,
): PartitionedStore {
  const outbox = createMemoryOutbox(clock, route, (connection, id) => partitions.get(connection)?.events.find(id))

  const partitionOf = (connection: string): Partition => {
    const partition = partitions.get(connection) ?? createPartition(connection, keepEvents)
    partitions.set(connection, partition)
    return partition
  }

  const prepareEvents = (partition: Partition, given: readonly Event[] = []): (() => void) => {
    // One that is there already is left out: the change may be one that is repeated.
    const added = new Map(given.map((event) => [event.id, event]))
    const events = [...added.values()].filter(({ id }) => !partition.events.find(id)).map(frozenCopy)
    const deliver = outbox.prepare(events)
    return () => {
      partition.events.append(events)
      deliver()
    }
  }

  const found = (connection: string, id: string): FoundCredential => {
    const row = partitionOf(connection).credentials.get(id)
    return { now: clock.wall(), revision: row?.revision ?? 0, ...(row ? { credential: row.credential } : {}) }
  }

  const store: PartitionedStore['store'] = {
    outbox,
    find: async (connection, id) => found(connection, id),
    async findBySubject(connection, subject) {
      return partitionOf(connection).credentials.ofSubject(subject)
    },
    async document(connection, kind, id) {
      return partitionOf(connection).documents.get(kind, id, clock.wall())
    },
    async documents(connection, page) {
      checkPageLimit(page.limit)
      return partitionOf(connection).documents.page(page, clock.wall())
    },
    async claimDueDocuments(connection, ask) {
      checkDocumentClaim(ask)
      return partitionOf(connection).documents.claimDue(ask, clock.wall())
    },
    async countDocuments(connection, { kind, most }) {
      checkCountLimit(most)
      return Math.min(partitionOf(connection).documents.count(kind, clock.wall()), most)
    },
    async list(connection, page) {
      checkPageLimit(page.limit)
      return partitionOf(connection).credentials.page(page)
    },
    async issued(connection, fingerprint) {
      return partitionOf(connection).issued.knows(fingerprint, clock.wall())
    },
    async denied(connection, fingerprint) {
      return partitionOf(connection).issued.denied(fingerprint, clock.wall())
    },
    async lease(connection, name, holder, ms, credential) {
      const { leases } = partitionOf(connection)
      const { answer, lease } = takeLease(leases.get(name), holder, ms, clock.wall())
      if (lease) leases.set(name, lease)
      return credential === undefined ? answer : { ...answer, found: found(connection, credential) }
    },
    async release(connection, name, holder) {
      const { leases } = partitionOf(connection)
      if (leases.get(name)?.holder === holder) leases.delete(name)
    },
    async reservePermits(connection, rateLimitKey, request) {
      const { buckets } = partitionOf(connection)
      const { answer, bucket } = reservePermits(buckets.get(rateLimitKey), request, clock.wall())
      buckets.set(rateLimitKey, bucket)
      return answer
    },
    async applyFeedback(connection, rateLimitKey, feedback) {
      const { buckets } = partitionOf(connection)
      buckets.set(rateLimitKey, applyFeedback(buckets.get(rateLimitKey), feedback, clock.wall()))
    },
    async fact(connection, name) {
      const text = partitionOf(connection).facts.get(name)
      return text === undefined ? undefined : JSON.parse(text)
    },
    async setFact(connection, name, value) {
      const { facts } = partitionOf(connection)
      const text = JSON.stringify(value) as string | undefined
      if (text === undefined) facts.delete(name)
      else facts.set(name, text)
    },
    async events(connection, { after = 0, limit }) {
      checkPageLimit(limit)
      return partitionOf(connection).events.page({ after, limit })
    },
    async chain(connection, page) {
      checkPageLimit(page.limit)
      return partitionOf(connection).events.chain(page)
    },
    chainHead: async (connection) => partitionOf(connection).events.head(),
    async connections() {
      const used = [...partitions].filter(
        ([, { credentials, documents, events }]) => credentials.size + documents.size + events.size > 0,
      )
      return used.map(([name]) => name).sort()
    },
    async touch(connection, id) {
      partitionOf(connection).credentials.touch(id, clock.wall())
    },
    async claimDue(connection, ask) {
      checkCredentialClaim(ask)
      return partitionOf(connection).credentials.claimDue(ask, clock.wall())
    },
    async countDue(connection, { keepForMs, most }) {
      checkCountLimit(most)
      return Math.min(partitionOf(connection).credentials.countDue(keepForMs, clock.wall()), most)
    },
  }
  return { store, partitionOf, prepareEvents }
}
