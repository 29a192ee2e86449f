import type { Clock } from '../src/ports/clock.ts'
import type { Http } from '../src/ports/http.ts'
import type { Store } from '../src/ports/store.ts'

interface Ports {
  readonly store: Store
  readonly http: Http
  readonly clock: Clock
}

/**
 * The ports of a process that SIGSTOP halts at its nth step, and SIGCONT lets go on: until then nothing that it asks of the world is
 * done, no answer reaches it, and no timer of it fires.
 */
export function pausable(ports: Ports, nth = Number.NaN) {
  let halt = nth
  let steps = Number.NEGATIVE_INFINITY
  let resume = (): void => {}
  let gate: Promise<void> | undefined
  const reached = Promise.withResolvers<void>()

  const step = async (): Promise<void> => {
    steps += 1
    if (steps === halt) {
      gate = new Promise((resolve) => (resume = resolve))
      reached.resolve()
    }
    await gate
  }
  const held = <A extends unknown[], T>(work: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      await step()
      const answer = await work(...args)
      await gate
      return answer
    }
  }
  const guarded = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(of, name) {
        const value: unknown = Reflect.get(of, name)
        if (typeof value === 'object' && value !== null) return guarded(value)
        if (typeof value !== 'function') return value
        return held((...args: unknown[]) => Reflect.apply(value, of, args) as Promise<unknown>)
      },
    })
  return {
    ports: {
      store: guarded(ports.store),
      http: held(ports.http),
      clock: {
        wall: ports.clock.wall,
        monotonic: ports.clock.monotonic,
        sleep: async (...args: Parameters<Clock['sleep']>) => {
          await ports.clock.sleep(...args)
          await gate
        },
      },
    },
    /** From now on steps are counted. `next`: the step to halt at, where it is another one than before. */
    start(next = halt) {
      steps = 0
      halt = next
    },
    /** Resolves when the process is halted. */
    reached: reached.promise,
    goOn() {
      gate = undefined
      resume()
    },
  }
}
