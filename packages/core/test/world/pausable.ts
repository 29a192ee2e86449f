import type { Clock } from '../../src/ports/clock.ts'
import type { Http } from '../../src/ports/http.ts'
import type { Store } from '../../src/ports/store.ts'
import { everyCall } from './every-call.ts'

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
  const held = async <T>(call: () => T): Promise<Awaited<T>> => {
    await step()
    const answer = await call()
    await gate
    return answer
  }
  return {
    ports: {
      store: everyCall(ports.store, held),
      http: (...args: Parameters<Http>) => held(() => ports.http(...args)),
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
