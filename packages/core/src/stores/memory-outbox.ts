import type { Event } from '../domain/events/event.ts'
import { type Instant, isFromFuture } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { DueMessage, Outbox, DeliveryOutcome, Route } from '../ports/store.ts'

import { checkPageLimit, checkCountLimit } from './argument-checks.ts'

interface Waiting extends DueMessage {
  /** Never, for a dead letter. */
  readonly dueAt: Instant
  /** When `dueAt` was set. */
  readonly setAt: Instant
  readonly why: string
}

const isHeld = ({ dueAt, setAt }: Waiting, now: Instant): boolean => dueAt > now && !isFromFuture(setAt, now)

const isDeadLetter = ({ dueAt }: Waiting): boolean => dueAt === Number.POSITIVE_INFINITY

export interface MemoryOutbox extends Outbox {
  /** Finds the sinks of events; what comes back puts the events in, and cannot fail. */
  prepare(events: readonly Event[]): () => void
}

/** `eventOf` finds an event that has left all queues. */
export function createMemoryOutbox(
  clock: Clock,
  route: Route,
  eventOf: (connection: string, id: string) => Event | undefined,
): MemoryOutbox {
  // A map keeps the order of insertion, also when a value is replaced: the order of commits.
  const queues = new Map<string, Map<string, Waiting>>()
  const queueOf = (sink: string): Map<string, Waiting> => {
    const queue = queues.get(sink) ?? new Map<string, Waiting>()
    queues.set(sink, queue)
    return queue
  }
  const after = (waiting: Waiting, outcome: Exclude<DeliveryOutcome, { then: 'done' }>): Waiting =>
    outcome.then === 'release'
      ? { ...waiting, dueAt: clock.wall(), setAt: clock.wall() }
      : {
          event: waiting.event,
          attempts: waiting.attempts + 1,
          why: outcome.why,
          dueAt: outcome.then === 'dead-letter' ? Number.POSITIVE_INFINITY : clock.wall() + outcome.inMs,
          setAt: clock.wall(),
        }
  const put = (sink: string, event: Event): void =>
    void queueOf(sink).set(event.id, { event, attempts: 0, dueAt: clock.wall(), setAt: clock.wall(), why: '' })

  const routes = (event: Event): readonly string[] => [...new Set(route(event))]

  return {
    sinksFor: routes,
    prepare(events) {
      const messages = events.flatMap((event) => routes(event).map((sink) => ({ sink, event })))
      return () => {
        for (const { sink, event } of messages) put(sink, event)
      }
    },
    async claim(sink, max, leaseMs) {
      const queue = queueOf(sink)
      const now = clock.wall()
      const taken: DueMessage[] = []
      for (const [id, waiting] of queue) {
        if (taken.length >= max) break
        if (isDeadLetter(waiting) || isHeld(waiting, now)) continue
        queue.set(id, { ...waiting, dueAt: now + leaseMs, setAt: now })
        taken.push({ event: waiting.event, attempts: waiting.attempts })
      }
      return taken
    },
    async settle(sink, outcomes) {
      const queue = queueOf(sink)
      for (const outcome of outcomes) {
        const waiting = queue.get(outcome.event)
        if (!waiting) continue
        if (outcome.then === 'done') queue.delete(outcome.event)
        else queue.set(outcome.event, after(waiting, outcome))
      }
    },
    async route(sink, messages) {
      const queue = queueOf(sink)
      for (const { event, to } of messages) {
        const waiting = queue.get(event)
        if (!waiting) continue
        for (const other of new Set(to)) if (!queueOf(other).has(event)) put(other, waiting.event)
        queue.delete(event)
      }
    },
    async enqueue(connection, sink, events) {
      const found = events.flatMap((id) => eventOf(connection, id) ?? [])
      for (const event of found) put(sink, event)
      return found.length
    },
    async deadLetters(sink, { after, limit }) {
      checkPageLimit(limit)
      const all = [...queueOf(sink).values()].filter(isDeadLetter)
      const from = after === undefined ? 0 : all.findIndex(({ event }) => event.id === after) + 1
      const messages = all.slice(from, from + limit).map(({ event, attempts, why }) => ({ event, attempts, why }))
      const next = from + limit < all.length ? messages.at(-1)?.event.id : undefined
      return { messages, ...(next === undefined ? {} : { next }) }
    },
    async counts(sink, most = Number.MAX_SAFE_INTEGER) {
      checkCountLimit(most)
      const all = [...queueOf(sink).values()]
      const deadLetters = all.filter(isDeadLetter).length
      return { waiting: Math.min(all.length - deadLetters, most), deadLetters: Math.min(deadLetters, most) }
    },
    async drop(sink) {
      queues.delete(sink)
    },
  }
}
