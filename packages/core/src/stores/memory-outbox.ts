import type { Event } from '../domain/events/event.ts'
import { type Instant, isFromFuture, type Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { DeliveryOutcome, DueMessage, Outbox, Route } from '../ports/store.ts'
import { checkCountLimit, checkPageLimit } from '../ports/argument-checks.ts'

interface QueuedMessage extends DueMessage {
  /** Infinity for a dead letter. */
  readonly dueAt: Instant
  /** When `dueAt` was set. */
  readonly setAt: Instant
  readonly why: string
}

/** The messages of a sink by event id. A map keeps the order of insertion, which is the order of commits. */
type Queue = Map<string, QueuedMessage>

/** The outbox of a store in memory. */
export interface MemoryOutbox extends Outbox {
  /**
   * Looks up the sinks of events, which may throw. The function that it returns queues the events and cannot
   * fail.
   */
  prepare(events: readonly Event[]): () => void
  /** Removes events of a connection from all queues. `events`: their ids. */
  remove(connection: string, events: readonly string[]): void
  /** The events of a connection in all queues, the first one first: those that wait, and dead letters. */
  queued(connection: string): { readonly waiting: readonly Event[]; readonly deadLetters: readonly Event[] }
}

/** What an outbox in memory works with. */
interface MemoryOutboxParts {
  readonly clock: Clock
  readonly route: Route
  /** Finds an event that may be in no queue. */
  readonly eventOf: (connection: string, id: string) => Event | undefined
}

interface State extends MemoryOutboxParts {
  readonly queues: Map<string, Queue>
}

/** An empty outbox. */
export function createMemoryOutbox(parts: MemoryOutboxParts): MemoryOutbox {
  const state: State = { ...parts, queues: new Map() }
  return {
    sinksFor: (event) => sinksFor(state, event),
    prepare(events) {
      const messages = events.flatMap((event) => sinksFor(state, event).map((sink) => ({ sink, event })))
      return () => {
        for (const { sink, event } of messages) put(state, sink, event)
      }
    },
    claim: async (sink, max, leaseMs) => claim(queueOf(state, sink), { max, leaseMs, now: state.clock.wall() }),
    settle: async (sink, outcomes) => settle(state, sink, outcomes),
    route: async (sink, messages) => routeMessages(state, sink, messages),
    async enqueue(connection, sink, ids) {
      const events = ids.flatMap((id) => state.eventOf(connection, id) ?? [])
      for (const event of events) put(state, sink, event)
      return events.length
    },
    retryNow: async (sink) => retryNow(queueOf(state, sink), state.clock.wall()),
    deadLetters: async (sink, page) => deadLetters(queueOf(state, sink), page),
    counts: async (sink, most) => counts(queueOf(state, sink), most),
    drop: async (sink) => void state.queues.delete(sink),
    remove: (connection, events) => remove(state, connection, events),
    queued: (connection) => queued(state, connection),
  }
}

function remove({ queues }: State, connection: string, events: readonly string[]): void {
  for (const queue of queues.values())
    for (const id of events) if (queue.get(id)?.event.connection === connection) queue.delete(id)
}

function queued({ queues }: State, connection: string): ReturnType<MemoryOutbox['queued']> {
  const all = [...queues.values()].flatMap((queue) => [...queue.values()])
  const eventsOf = (messages: readonly QueuedMessage[]): readonly Event[] =>
    messages.map(({ event }) => event).toSorted((one, other) => one.at - other.at)
  const own = all.filter(({ event }) => event.connection === connection)
  return {
    waiting: eventsOf(own.filter((message) => !isDeadLetter(message))),
    deadLetters: eventsOf(own.filter(isDeadLetter)),
  }
}

const sinksFor = ({ route }: State, event: Event): readonly string[] => [...new Set(route(event))]

function queueOf({ queues }: State, sink: string): Queue {
  const queue = queues.get(sink) ?? (new Map() as Queue)
  queues.set(sink, queue)
  return queue
}

function put(state: State, sink: string, event: Event): void {
  const now = state.clock.wall()
  queueOf(state, sink).set(event.id, { event, attempts: 0, dueAt: now, setAt: now, why: '' })
}

const isLeased = ({ dueAt, setAt }: QueuedMessage, now: Instant): boolean => dueAt > now && !isFromFuture(setAt, now)

const isDeadLetter = ({ dueAt }: QueuedMessage): boolean => dueAt === Number.POSITIVE_INFINITY

interface Claim {
  readonly max: number
  readonly leaseMs: Millis
  readonly now: Instant
}

function claim(queue: Queue, { max, leaseMs, now }: Claim): readonly DueMessage[] {
  const claimed: DueMessage[] = []
  for (const [id, message] of queue) {
    if (claimed.length >= max) break
    if (isDeadLetter(message) || isLeased(message, now)) continue
    queue.set(id, { ...message, dueAt: now + leaseMs, setAt: now })
    claimed.push({ event: message.event, attempts: message.attempts })
  }
  return claimed
}

function settle(state: State, sink: string, outcomes: readonly DeliveryOutcome[]): void {
  const queue = queueOf(state, sink)
  for (const outcome of outcomes) {
    const message = queue.get(outcome.event)
    if (!message) continue
    if (outcome.then === 'done') queue.delete(outcome.event)
    else queue.set(outcome.event, messageAfter(message, outcome, state.clock.wall()))
  }
}

function messageAfter(
  message: QueuedMessage,
  outcome: Exclude<DeliveryOutcome, { then: 'done' }>,
  now: Instant,
): QueuedMessage {
  if (outcome.then === 'release') return { ...message, dueAt: now, setAt: now }
  return {
    event: message.event,
    attempts: message.attempts + 1,
    why: outcome.why,
    dueAt: outcome.then === 'dead-letter' ? Number.POSITIVE_INFINITY : now + outcome.inMs,
    setAt: now,
  }
}

function routeMessages(state: State, sink: string, messages: Parameters<Outbox['route']>[1]): void {
  const queue = queueOf(state, sink)
  for (const { event: id, to } of messages) {
    const message = queue.get(id)
    if (!message) continue
    for (const other of new Set(to)) if (!queueOf(state, other).has(id)) put(state, other, message.event)
    queue.delete(id)
  }
}

function retryNow(queue: Queue, now: Instant): number {
  const waiting = [...queue].filter(([, one]) => one.attempts > 0 && !isDeadLetter(one) && one.dueAt > now)
  for (const [id, message] of waiting) queue.set(id, { ...message, dueAt: now, setAt: now })
  return waiting.length
}

function deadLetters(
  queue: Queue,
  { after, limit }: Parameters<Outbox['deadLetters']>[1],
): Awaited<ReturnType<Outbox['deadLetters']>> {
  checkPageLimit(limit)
  const all = [...queue.values()].filter(isDeadLetter)
  const from = after === undefined ? 0 : all.findIndex(({ event }) => event.id === after) + 1
  const messages = all.slice(from, from + limit).map(({ event, attempts, why }) => ({ event, attempts, why }))
  const next = from + limit < all.length ? messages.at(-1)?.event.id : undefined
  return { messages, ...(next === undefined ? {} : { next }) }
}

function counts(queue: Queue, most = Number.MAX_SAFE_INTEGER): Awaited<ReturnType<Outbox['counts']>> {
  checkCountLimit(most)
  const dead = [...queue.values()].filter(isDeadLetter).length
  return { waiting: Math.min(queue.size - dead, most), deadLetters: Math.min(dead, most) }
}
