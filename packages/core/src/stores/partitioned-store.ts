import { applyFeedback, rateLimitState, reservePermits } from '../domain/bucket.ts'
import type { Event } from '../domain/events/event.ts'
import type { Clock } from '../ports/clock.ts'
import type {
  AuditTrail,
  Change,
  Coordination,
  Credentials,
  Documents,
  Facts,
  FoundCredential,
  IssuedTokens,
  Route,
  Sizes,
  Store,
} from '../ports/store.ts'
import { checkCountLimit, checkCredentialClaim, checkDocumentClaim, checkPageLimit } from '../ports/argument-checks.ts'
import { frozenCopy } from './frozen-copy.ts'
import { takeLease } from './lease.ts'
import { createMemoryOutbox, type MemoryOutbox } from './memory-outbox.ts'
import { sizesOf } from './memory-sizes.ts'
import { createPartition, type Partition } from './partition.ts'

/** Options of a store whose partitions are in memory. */
export interface PartitionOptions {
  readonly clock: Clock
  /** Names the sinks that get an event. */
  readonly route: Route
  /** How many events to keep for each connection, the newest ones. */
  readonly keepEvents: number
}

/** A store in memory without its commits. */
export interface PartitionedStore {
  readonly store: Omit<Store, 'commit' | 'ensureRoom' | 'close'>
  /** The partition of a connection. If there is none, creates it. */
  partitionOf(connection: string): Partition
  /**
   * Looks up the sinks of events, which may throw. The function that it returns adds the events and cannot
   * fail.
   */
  prepareEvents(partition: Partition, events: Change['events']): () => void
}

interface Parts {
  readonly partitions: Map<string, Partition>
  readonly clock: Clock
  readonly outbox: MemoryOutbox
  readonly partitionOf: (connection: string) => Partition
}

/** A store over partitions by connection name. The caller may replace a partition between two calls. */
export function createPartitionedStore(
  partitions: Map<string, Partition>,
  { clock, route, keepEvents }: PartitionOptions,
): PartitionedStore {
  const eventOf = (connection: string, id: string): Event | undefined => partitions.get(connection)?.events.find(id)
  const partitionOf = (connection: string): Partition => {
    const partition = partitions.get(connection) ?? createPartition(connection, keepEvents)
    partitions.set(connection, partition)
    return partition
  }
  const outbox = createMemoryOutbox({ clock, route, eventOf })
  const parts: Parts = { partitions, clock, outbox, partitionOf }
  const store = {
    outbox,
    ...credentials(parts),
    ...documents(parts),
    ...issuedTokens(parts),
    ...coordination(parts),
    ...facts(parts),
    ...auditTrail(parts),
    ...sizes(parts),
  }
  return { store, partitionOf, prepareEvents: (partition, events = []) => prepareEvents(parts, partition, events) }
}

function prepareEvents({ outbox }: Parts, partition: Partition, given: readonly Event[]): () => void {
  // A repeated change has events that are already stored. They are left out.
  const byId = new Map(given.map((event) => [event.id, event]))
  const events = [...byId.values()].filter(({ id }) => !partition.events.find(id)).map(frozenCopy)
  const queue = outbox.prepare(events)
  return () => {
    partition.events.append(events)
    queue()
  }
}

function find({ partitionOf, clock }: Parts, connection: string, id: string): FoundCredential {
  const row = partitionOf(connection).credentials.get(id)
  const found = row ? { credential: row.credential, usedAt: row.touchedAt } : {}
  return { now: clock.wall(), revision: row?.revision ?? 0, ...found }
}

function credentials(parts: Parts): Credentials {
  const { partitionOf, clock } = parts
  return {
    find: async (connection, id) => find(parts, connection, id),
    findBySubject: async (connection, subject) => partitionOf(connection).credentials.ofSubject(subject),
    async list(connection, page) {
      checkPageLimit(page.limit)
      return partitionOf(connection).credentials.page(page)
    },
    touch: async (connection, id) => partitionOf(connection).credentials.touch(id, clock.wall()),
    async claimDue(connection, request) {
      checkCredentialClaim(request)
      return partitionOf(connection).credentials.claimDue(request, clock.wall())
    },
    async countDue(connection, { keepForMs, most }) {
      checkCountLimit(most)
      return Math.min(partitionOf(connection).credentials.countDue(keepForMs, clock.wall()), most)
    },
    async endedGuests(connection, request) {
      checkPageLimit(request.limit)
      return partitionOf(connection).credentials.ended(request)
    },
  }
}

const documents = ({ partitionOf, clock }: Parts): Documents => ({
  document: async (connection, kind, id) => partitionOf(connection).documents.get(kind, id, clock.wall()),
  async documents(connection, page) {
    checkPageLimit(page.limit)
    return partitionOf(connection).documents.page(page, clock.wall())
  },
  async claimDueDocuments(connection, request) {
    checkDocumentClaim(request)
    return partitionOf(connection).documents.claimDue(request, clock.wall())
  },
  async countDocuments(connection, { kind, most }) {
    checkCountLimit(most)
    return Math.min(partitionOf(connection).documents.count(kind, clock.wall()), most)
  },
})

const issuedTokens = ({ partitionOf, clock }: Parts): IssuedTokens => ({
  issued: async (connection, fingerprint) => partitionOf(connection).issued.knows(fingerprint, clock.wall()),
  denied: async (connection, fingerprint) => partitionOf(connection).issued.denied(fingerprint, clock.wall()),
})

function coordination(parts: Parts): Coordination {
  const { partitionOf, clock } = parts
  return {
    async lease(connection, name, holder, ms, credential) {
      const { leases } = partitionOf(connection)
      const { answer, lease } = takeLease(leases.get(name), holder, ms, clock.wall())
      if (lease) leases.set(name, lease)
      return credential === undefined ? answer : { ...answer, found: find(parts, connection, credential) }
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
    rateLimitState: async (connection, rateLimitKey, limit) =>
      rateLimitState(partitionOf(connection).buckets.get(rateLimitKey), limit, clock.wall()),
    async applyFeedback(connection, rateLimitKey, feedback) {
      const { buckets } = partitionOf(connection)
      buckets.set(rateLimitKey, applyFeedback(buckets.get(rateLimitKey), feedback, clock.wall()))
    },
  }
}

const facts = ({ partitionOf }: Parts): Facts => ({
  async fact(connection, name) {
    const text = partitionOf(connection).facts.get(name)
    return text === undefined ? undefined : JSON.parse(text)
  },
  async setFact(connection, name, value) {
    const { facts: texts } = partitionOf(connection)
    const text = JSON.stringify(value) as string | undefined
    if (text === undefined) texts.delete(name)
    else texts.set(name, text)
  },
})

const auditTrail = ({ partitions, partitionOf, outbox }: Parts): AuditTrail => ({
  async events(connection, page) {
    checkPageLimit(page.limit)
    return partitionOf(connection).events.page(page)
  },
  async chain(connection, page) {
    checkPageLimit(page.limit)
    return partitionOf(connection).events.chain(page)
  },
  async prune(connection, { through, limit }) {
    checkPageLimit(limit)
    const removed = await partitionOf(connection).events.prune(through, limit)
    outbox.remove(connection, removed)
    return removed.length
  },
  chainHead: async (connection) => partitionOf(connection).events.head(),
  async connections() {
    const used = [...partitions].filter(([, partition]) => !isEmpty(partition))
    return used.map(([name]) => name).sort()
  },
})

const sizes = ({ partitionOf, outbox, clock }: Parts): Sizes => ({
  sizes: async (connection) => sizesOf(partitionOf(connection), outbox.queued(connection), clock.wall()),
})

const isEmpty = ({ credentials: rows, documents: values, events }: Partition): boolean =>
  rows.size + values.size + events.size === 0
