import { setTimeout as realPause } from 'node:timers/promises'
import type { Http } from '@guestpass/core/runtime-kit'
import { type Millis, SECOND } from '@guestpass/core/store-kit'
import type { MovableClock } from './movable-clock.ts'

/** Counts the requests of a port, and waits for work to end. */
export interface WorkUnderWay {
  /** The port, whose requests are counted. */
  readonly http: Http
  /** Resolves when no request is under way, and no other work has gone on for some turns of the event loop. */
  settled(): Promise<void>
  /** How long ago the latest request failed, by the clock; Infinity if none has. */
  sinceFailure(): Millis
}

/** How long one request is waited for, in real time. A longer one hangs, as by a scripted delay. */
const PATIENCE: Millis = 2 * SECOND
const QUIET_TURNS = 3

/** Tracks the work that uses this port and this clock. */
export function createWorkUnderWay(http: Http, clock: Pick<MovableClock, 'monotonic' | 'sleeps'>): WorkUnderWay {
  const open = new Set<Promise<void>>()
  let requests = 0
  let failedAt: Millis = Number.NEGATIVE_INFINITY
  const failed = (): void => void (failedAt = clock.monotonic())
  return {
    http(request, signal) {
      requests += 1
      const answer = http(request, signal)
      const ended = answer.then(({ status }) => {
        if (status >= 400) failed()
      }, failed)
      const over = new AbortController()
      const hangs = realPause(PATIENCE, undefined, { ref: false, signal: over.signal }).catch(() => {})
      const waitedFor = Promise.race([ended, hangs]).then(() => {
        over.abort()
        open.delete(waitedFor)
      })
      open.add(waitedFor)
      return answer
    },
    async settled() {
      for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
        const before = requests + clock.sleeps()
        await Promise.all(open)
        await turn()
        if (open.size > 0 || requests + clock.sleeps() !== before) quiet = -1
      }
    },
    sinceFailure: () => clock.monotonic() - failedAt,
  }
}

/** Lets the event loop turn, and cryptography on its four threads end. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  await Promise.all(Array.from({ length: 4 }, () => crypto.subtle.digest('SHA-256', new Uint8Array(1))))
}
