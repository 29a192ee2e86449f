import type { Event } from '../domain/event.ts'
import type { Instant } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Due, Outbox, Outcome, Route } from '../ports/store.ts'

interface Waiting extends Due {
  readonly dueAt: Instant
}

export interface MemoryOutbox extends Outbox {
  /** Finds the sinks of events; what comes back puts the events in, and cannot fail. */
  routed(events: readonly Event[]): () => void
}

export function memoryOutbox(clock: Clock, route: Route): MemoryOutbox {
  // A map keeps the order of insertion, also when a value is replaced: the order of commits.
  const queues = new Map<string, Map<string, Waiting>>()
  const queueOf = (sink: string): Map<string, Waiting> => {
    const queue = queues.get(sink) ?? new Map<string, Waiting>()
    queues.set(sink, queue)
    return queue
  }
  const after = (waiting: Waiting, outcome: Outcome & { then: 'retry' | 'park' }): Waiting => ({
    event: waiting.event,
    attempts: waiting.attempts + 1,
    dueAt: outcome.then === 'park' ? Number.POSITIVE_INFINITY : clock.wall() + outcome.inMs,
  })
  return {
    routed(events) {
      const letters = events.flatMap((event) => [...new Set(route(event))].map((sink) => ({ sink, event })))
      return () => {
        for (const { sink, event } of letters) {
          queueOf(sink).set(event.id, { event, attempts: 0, dueAt: clock.wall() })
        }
      }
    },
    async claim(sink, max, leaseMs) {
      const queue = queueOf(sink)
      const now = clock.wall()
      const taken: Due[] = []
      for (const [id, waiting] of queue) {
        if (taken.length >= max) break
        if (waiting.dueAt > now) continue
        queue.set(id, { ...waiting, dueAt: now + leaseMs })
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
  }
}
