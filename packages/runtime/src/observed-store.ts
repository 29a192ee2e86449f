import type { Event, Store } from '@guestpass/core'

/** Called with the events of a commit, after it was stored and before its caller hears of it. Must not throw. */
export type EventObserver = (events: readonly Event[]) => void

/** A store whose commits in this process are observed. */
export interface ObservedStore<S extends Store> {
  readonly store: S
  /** Adds an observer; the answer takes it off again. */
  observe(observer: EventObserver): () => void
}

/** Observes the commits that are made through the answer's `store`; those of other processes are not seen. */
export function observedStore<S extends Store>(plain: S): ObservedStore<S> {
  const observers = new Set<EventObserver>()
  const store: S = {
    ...plain,
    async commit(change) {
      const answer = await plain.commit(change)
      const { events = [] } = change
      if (answer === 'done' && events.length > 0) for (const observer of observers) observer(events)
      return answer
    },
  }
  return {
    store,
    observe(observer) {
      observers.add(observer)
      return () => void observers.delete(observer)
    },
  }
}
