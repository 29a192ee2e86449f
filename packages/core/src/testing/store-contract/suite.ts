import { asGuestpassError } from '../../domain/errors.ts'
import type { Millis } from '../../domain/time.ts'
import type { Route, Store } from '../../ports/store.ts'

/**
 * The three functions of a test framework that the contract kit uses. Those of Vitest and Jest fit as they
 * are. `expect(…).toEqual` compares deeply, and takes a missing property and one that is undefined as equal.
 */
export interface TestFramework {
  /** Groups tests. */
  readonly describe: (title: string, body: () => void) => unknown
  /** Registers one test. */
  readonly it: (title: string, body: () => Promise<void>) => unknown
  /** Compares a value with the expected one; throws if they differ. */
  readonly expect: (
    actual: unknown,
    message?: string,
  ) => {
    /** Deep equality. */
    toEqual(expected: unknown): unknown
  }
}

/** A new store for one test, with nothing in it. */
export interface StoreUnderTest {
  readonly store: Store
  /**
   * Opens a second handle on the same data, as another process has it. The kit closes it. Default: the first
   * handle is used in both places, so that nothing is shown about two processes.
   */
  readonly another?: () => Promise<Store>
  /** Moves the store's clock by milliseconds: forward, or back if negative. Timers need not fire. */
  readonly advance: (ms: Millis) => Promise<void> | void
  /** Removes what the test left, as files. It is called after both handles are closed. Default: nothing. */
  readonly end?: () => Promise<void> | void
}

/**
 * Makes a new empty store for each test.
 *
 * @param route the store asks it for the sinks of every event that it commits, as `MemoryStoreOptions.route`
 */
export type MakeStore = (route: Route) => Promise<StoreUnderTest>

/** Two handles on one store, and its clock. */
export interface StoreHandles {
  readonly store: Store
  /** The second handle; the same as `store` if `StoreUnderTest.another` is absent. */
  readonly other: Store
  readonly advance: (ms: Millis) => Promise<void>
}

/** Registers one test case, which gets a new empty store. */
type RegisterCase = (title: string, body: (handles: StoreHandles) => Promise<void>) => void

/** What the suites register and check their cases with. */
export interface TestTools {
  readonly test: RegisterCase
  readonly expect: TestFramework['expect']
}

/** Registers the test cases about one part of the store. */
export type Suite = (tools: TestTools) => void

/** The events of the kit name their sinks in `actor`, as `to:audit,webhook`. Other events go to no sink. */
const routeByActor: Route = (event) => (event.actor.startsWith('to:') ? event.actor.slice(3).split(',') : [])

/**
 * Registers cases with the framework. Each one runs on a store of its own, whose handles are closed
 * afterwards.
 */
export const registerCases =
  (framework: TestFramework, make: MakeStore): RegisterCase =>
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

/** The error code that a promise rejects with; `none` if it resolves. */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (thrown: unknown) => asGuestpassError(thrown).code,
  )
