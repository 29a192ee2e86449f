import { type Bucket, reserved, taught } from '../domain/bucket.ts'
import type { Clock } from '../ports/clock.ts'
import { systemClock } from '../ports/system.ts'
import type { Change, Found, Route, Store } from '../ports/store.ts'
import { frozen } from './frozen.ts'
import { type Lease, leased } from './lease.ts'
import { type Credentials, credentials } from './memory-credentials.ts'
import { type Documents, memoryDocuments } from './memory-documents.ts'
import { type Events, memoryEvents } from './memory-events.ts'
import { type IssuedTokens, issuedTokens } from './memory-issued.ts'
import { memoryOutbox } from './memory-outbox.ts'
import { refuseBadDueAsk, refuseBadLimit, refuseForeign } from './terms.ts'

export interface MemoryStoreOptions {
  /** Default: the system's. */
  readonly clock?: Clock
  /** Which sinks get an event; none by default. */
  readonly route?: Route
  /** Events kept of each connection, the newest ones; 10 000 by default. Sinks get every event all the same. */
  readonly keepEvents?: number
}

/** All that one connection has: nothing is ever looked up across two of these. */
interface Room {
  readonly credentials: Credentials
  readonly issued: IssuedTokens
  readonly leases: Map<string, Lease>
  readonly buckets: Map<string, Bucket>
  readonly facts: Map<string, string>
  readonly documents: Documents
  readonly events: Events
}

const emptyRoom = (connection: string, keepEvents: number): Room => ({
  credentials: credentials(),
  issued: issuedTokens(),
  leases: new Map(),
  buckets: new Map(),
  facts: new Map(),
  documents: memoryDocuments(),
  events: memoryEvents(connection, keepEvents),
})

/**
 * A store in the memory of this process, gone with it. For tests, browsers and programs that may lose their tokens; all
 * promises of `Store` hold, except that nobody else shares it.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const { clock = systemClock(), route = () => [], keepEvents = 10_000 } = options
  const rooms = new Map<string, Room>()
  const outbox = memoryOutbox(clock, route, (connection, id) => rooms.get(connection)?.events.find(id))

  const roomOf = (connection: string): Room => {
    const room = rooms.get(connection) ?? emptyRoom(connection, keepEvents)
    rooms.set(connection, room)
    return room
  }

  const holds = ({ credentials, documents }: Room, { writes = [], documents: others = [] }: Change): boolean =>
    writes.every((write) => credentials.holds(write)) && others.every((write) => documents.holds(write, clock.wall()))

  const apply = (room: Room, change: Change): void => {
    // One that is there already is left out: the change may be one that is repeated.
    const added = new Map((change.events ?? []).map((event) => [event.id, event]))
    const events = [...added.values()].filter(({ id }) => !room.events.find(id)).map(frozen)
    // Everything that may fail comes before the first write.
    const deliver = outbox.routed(events)
    for (const { credential } of change.writes ?? []) room.credentials.put(credential, clock.wall())
    for (const write of change.documents ?? []) room.documents.put(write, clock.wall())
    for (const id of change.deny ?? []) room.issued.deny(id)
    room.issued.remember(change.issued ?? [], clock.wall())
    room.events.append(events)
    deliver()
  }

  const found = (connection: string, id: string): Found => {
    const row = roomOf(connection).credentials.get(id)
    return { now: clock.wall(), revision: row?.revision ?? 0, ...(row ? { credential: row.credential } : {}) }
  }

  return {
    outbox,
    find: async (connection, id) => found(connection, id),
    async findBySubject(connection, subject) {
      return roomOf(connection).credentials.ofSubject(subject)
    },
    async document(connection, kind, id) {
      return roomOf(connection).documents.get(kind, id, clock.wall())
    },
    async documents(connection, page) {
      refuseBadLimit(page.limit)
      return roomOf(connection).documents.page(page, clock.wall())
    },
    async list(connection, page) {
      refuseBadLimit(page.limit)
      return roomOf(connection).credentials.page(page)
    },
    async commit(change) {
      refuseForeign(change)
      const room = roomOf(change.connection)
      if (!holds(room, change)) return 'conflict'
      apply(room, change)
      await room.events.prune()
      return 'done'
    },
    async ensureRoom() {},
    async issued(connection, fingerprint) {
      return roomOf(connection).issued.knows(fingerprint, clock.wall())
    },
    async denied(connection, fingerprint) {
      return roomOf(connection).issued.denied(fingerprint, clock.wall())
    },
    async lease(connection, name, holder, ms, credential) {
      const { leases } = roomOf(connection)
      const { answer, lease } = leased(leases.get(name), holder, ms, clock.wall())
      if (lease) leases.set(name, lease)
      return credential === undefined ? answer : { ...answer, found: found(connection, credential) }
    },
    async release(connection, name, holder) {
      const { leases } = roomOf(connection)
      if (leases.get(name)?.holder === holder) leases.delete(name)
    },
    async reserve(connection, lane, ask) {
      const { buckets } = roomOf(connection)
      const { answer, bucket } = reserved(buckets.get(lane), ask, clock.wall())
      buckets.set(lane, bucket)
      return answer
    },
    async learn(connection, lane, lesson) {
      const { buckets } = roomOf(connection)
      buckets.set(lane, taught(buckets.get(lane), lesson, clock.wall()))
    },
    async fact(connection, name) {
      const text = roomOf(connection).facts.get(name)
      return text === undefined ? undefined : JSON.parse(text)
    },
    async setFact(connection, name, value) {
      const { facts } = roomOf(connection)
      const text = JSON.stringify(value) as string | undefined
      if (text === undefined) facts.delete(name)
      else facts.set(name, text)
    },
    async events(connection, { after = 0, limit }) {
      refuseBadLimit(limit)
      return roomOf(connection).events.page({ after, limit })
    },
    async chain(connection, page) {
      refuseBadLimit(page.limit)
      return roomOf(connection).events.chain(page)
    },
    chainHead: (connection) => roomOf(connection).events.head(),
    async connections() {
      const used = [...rooms].filter(
        ([, { credentials, documents, events }]) => credentials.size + documents.size + events.size > 0,
      )
      return used.map(([name]) => name).sort()
    },
    async touch(connection, id) {
      roomOf(connection).credentials.touch(id, clock.wall())
    },
    async claimDue(connection, ask) {
      refuseBadDueAsk(ask)
      return roomOf(connection).credentials.claimDue(ask, clock.wall())
    },
    async close() {},
  }
}
