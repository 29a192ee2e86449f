import type { Event, Store } from '@guestpass/core'

/** Called with the events of a commit, after it was stored and before its caller gets the answer. Must not throw. */
export type EventObserver = (events: readonly Event[]) => void

/** A store whose commits in this process are observed. */
export interface ObservedStore<S extends Store> {
  readonly store: S
  /** Adds an observer; the answer takes it off again. */
  observe(observer: EventObserver): () => void
  /** Calls the observer after events were put into the queues of other sinks. */
  observeForwards(observer: () => void): () => void
}

/** Observes the commits that are made through the answer's `store`; those of other processes are not seen. */
export function createObservedStore<S extends Store>(plain: S): ObservedStore<S> {
  const observers = new Set<EventObserver>()
  const ofForwards = new Set<() => void>()
  const store: S = {
    ...plain,
    outbox: {
      ...plain.outbox,
      async route(sink, messages) {
        await plain.outbox.route(sink, messages)
        if (messages.some(({ to }) => to.length > 0)) for (const observer of ofForwards) observer()
      },
    },
    async commit(change) {
      const answer = await plain.commit(change)
      const { events = [] } = change
      if (answer === 'done' && events.length > 0) for (const observer of observers) observer(events)
      return answer
    },
  }
  return {
    store,
    observe: (observer) => addTo(observers, observer),
    observeForwards: (observer) => addTo(ofForwards, observer),
  }
}

function addTo<T>(all: Set<T>, one: T): () => void {
  all.add(one)
  return () => void all.delete(one)
}
