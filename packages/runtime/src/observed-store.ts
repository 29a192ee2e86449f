import type { Event, Store } from '@guestpass/core'
import { withCalls } from '@guestpass/core/runtime-kit'

/**
 * Called with the events of a commit, after it was stored and before its caller gets the answer. Must not
 * throw.
 */
export type EventObserver = (events: readonly Event[]) => void

/** A store that reports what this process does with it. Commits of other processes are not reported. */
export interface ObservedStore<S extends Store> {
  readonly store: S
  /** Calls the observer after every commit with events. The result removes it. */
  observe(observer: EventObserver): () => void
  /** Calls the observer after events were put into the queues of endpoints. The result removes it. */
  observeRouting(observer: () => void): () => void
}

/** Wraps a store: use the `store` of the result in place of `plain`. */
export function createObservedStore<S extends Store>(plain: S): ObservedStore<S> {
  const commitObservers = new Set<EventObserver>()
  const routingObservers = new Set<() => void>()
  const outbox = withCalls(plain.outbox, {
    async route(sink, messages) {
      await plain.outbox.route(sink, messages)
      if (messages.some(({ to }) => to.length > 0)) for (const observer of routingObservers) observer()
    },
  })
  const calls: Partial<Store> = {
    outbox,
    async commit(change) {
      const result = await plain.commit(change)
      const { events = [] } = change
      if (result === 'done' && events.length > 0) for (const observer of commitObservers) observer(events)
      return result
    },
  }
  const store = withCalls<Store>(plain, calls) as S
  return {
    store,
    observe: (observer) => addTo(commitObservers, observer),
    observeRouting: (observer) => addTo(routingObservers, observer),
  }
}

function addTo<T>(all: Set<T>, one: T): () => void {
  all.add(one)
  return () => void all.delete(one)
}
