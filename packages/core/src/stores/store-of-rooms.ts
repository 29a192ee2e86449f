import { reserved, taught } from '../domain/bucket.ts'
import type { Event } from '../domain/event.ts'
import type { Clock } from '../ports/clock.ts'
import type { Change, Found, Route, Store } from '../ports/store.ts'
import { frozen } from './frozen.ts'
import { leased } from './lease.ts'
import { memoryOutbox } from './memory-outbox.ts'
import { emptyRoom, type Room } from './room.ts'
import { refuseBadClaim, refuseBadDueAsk, refuseBadLimit, refuseBadMost } from './terms.ts'

export interface RoomOptions {
  readonly clock: Clock
  /** Which sinks get an event. */
  readonly route: Route
  /** Events kept of each connection, the newest ones. */
  readonly keepEvents: number
}

/** Everything of a store in memory but its commits. */
export interface StoreOfRooms {
  readonly store: Omit<Store, 'commit' | 'ensureRoom' | 'close'>
  roomOf(connection: string): Room
  /** Looks up the sinks of a change's events, which may fail. The function that comes back adds the events, and cannot fail. */
  adding(room: Room, events: Change['events']): () => void
}

/** `rooms` gives the rooms by connection, as they are at the moment of each call. */
export function storeOfRooms(rooms: () => Map<string, Room>, { clock, route, keepEvents }: RoomOptions): StoreOfRooms {
  const outbox = memoryOutbox(clock, route, (connection, id) => rooms().get(connection)?.events.find(id))

  const roomOf = (connection: string): Room => {
    const room = rooms().get(connection) ?? emptyRoom(connection, keepEvents)
    rooms().set(connection, room)
    return room
  }

  const adding = (room: Room, given: readonly Event[] = []): (() => void) => {
    // One that is there already is left out: the change may be one that is repeated.
    const added = new Map(given.map((event) => [event.id, event]))
    const events = [...added.values()].filter(({ id }) => !room.events.find(id)).map(frozen)
    const deliver = outbox.routed(events)
    return () => {
      room.events.append(events)
      deliver()
    }
  }

  const found = (connection: string, id: string): Found => {
    const row = roomOf(connection).credentials.get(id)
    return { now: clock.wall(), revision: row?.revision ?? 0, ...(row ? { credential: row.credential } : {}) }
  }

  const store: StoreOfRooms['store'] = {
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
    async claimDueDocuments(connection, ask) {
      refuseBadClaim(ask)
      return roomOf(connection).documents.claimDue(ask, clock.wall())
    },
    async countDocuments(connection, { kind, most }) {
      refuseBadMost(most)
      return Math.min(roomOf(connection).documents.count(kind, clock.wall()), most)
    },
    async list(connection, page) {
      refuseBadLimit(page.limit)
      return roomOf(connection).credentials.page(page)
    },
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
    chainHead: async (connection) => roomOf(connection).events.head(),
    async connections() {
      const used = [...rooms()].filter(
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
    async countDue(connection, { keepForMs, most }) {
      refuseBadMost(most)
      return Math.min(roomOf(connection).credentials.countDue(keepForMs, clock.wall()), most)
    },
  }
  return { store, roomOf, adding }
}
