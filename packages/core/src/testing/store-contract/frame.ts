import type { Millis } from '../../domain/time.ts'
import { asGuestpassError } from '../../domain/errors.ts'
import type { Route, Store } from '../../ports/store.ts'

/** What the kit needs of a test framework; Vitest, Jest and the like fit as they are. */
export interface TestFramework {
  readonly describe: (title: string, body: () => void) => unknown
  readonly it: (title: string, body: () => Promise<void>) => unknown
  readonly expect: (actual: unknown, message?: string) => { toEqual(expected: unknown): unknown }
}

/** A store to examine, empty. */
export interface StoreUnderTest {
  readonly store: Store
  /** A second handle on the same data, as another process has it; without it the first one is used twice. */
  readonly another?: () => Promise<Store>
  /** Moves the store's clock forward, or back where it is negative. */
  readonly advance: (ms: Millis) => Promise<void> | void
  /** Called when the test is over and all handles are closed. */
  readonly end?: () => Promise<void> | void
}

/** Makes an empty store that routes events as told. */
export type MakeStore = (route: Route) => Promise<StoreUnderTest>

/** The two handles and the clock, as the sentences of the kit see them. */
export interface Bench {
  readonly store: Store
  readonly other: Store
  readonly advance: (ms: Millis) => Promise<void>
}

/** Registers one sentence about a store. */
export type Sentence = (title: string, body: (bench: Bench) => Promise<void>) => void

export interface Chapter {
  readonly says: Sentence
  readonly expect: TestFramework['expect']
}

/** Sinks are named in the events' `actor`, as `to:audit,webhook`: the kit's events say themselves where they go. */
export const routeByActor: Route = (event) => (event.actor.startsWith('to:') ? event.actor.slice(3).split(',') : [])

export const sentences =
  (framework: TestFramework, make: MakeStore): Sentence =>
  (title, body) => {
    framework.it(title, async () => {
      const { store, another, advance, end } = await make(routeByActor)
      const other = another ? await another() : store
      try {
        await body({ store, other, advance: async (ms) => advance(ms) })
      } finally {
        if (other !== store) await other.close()
        await store.close()
        await end?.()
      }
    })
  }

/** The code that a promise rejects with; `none` when it does not. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (thrown: unknown) => asGuestpassError(thrown).code,
  )
