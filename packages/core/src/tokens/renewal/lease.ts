import { type Millis, SECOND } from '../../domain/time.ts'
import { Superseded } from '../../domain/superseded.ts'
import { type Clock, stopwatch } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Coordination, FoundCredential, LeaseAnswer } from '../../ports/store.ts'

/**
 * How long a lease lasts. Short, because its holder prolongs it, and others wait this long if the holder
 * dies.
 */
const LEASE: Millis = 5 * SECOND
/** At the end of a lease nothing is sent: it could arrive after another process got the lease. */
const MARGIN: Millis = SECOND

export interface LeaseRequest {
  readonly connection: string
  readonly name: string
  /** Names the holder among all that share the store. */
  readonly holder: string
  /** The id of the credential that the lease is for, read in the same step. */
  readonly credential?: string
}

interface LeasePorts {
  readonly store: Pick<Coordination, 'lease' | 'release'>
  readonly clock: Clock
}

/** A lease that this process holds, prolonged while work goes on. */
export interface Lease {
  /**
   * Requests the lease again and reads the credential, which another holder may have changed if the lease lapsed
   * meanwhile. Rejects with `Superseded` if another holder has the lease.
   */
  confirm(): Promise<FoundCredential | undefined>
  /** Milliseconds since the store last granted the lease, suspends of the machine included. */
  age(): Millis
  /** False as soon as another process may have the lease: nothing may be sent before `confirm`. */
  isHeld(): boolean
  /** Releases the lease. Never rejects: a lease that cannot be released ends by itself. */
  release(): Promise<void>
}

/** The store's answer to a lease request. */
export type LeaseResult = LeaseAnswer & {
  /** Present where the lease was granted. */
  readonly lease?: Lease
  /** The monotonic clock, in milliseconds, when the request was made. */
  readonly requestedAt: Millis
  /** Milliseconds since the request was made, suspends of the machine included. */
  readonly elapsed: () => Millis
}

const RETRY_DELAY: Millis = 50

/**
 * How long to wait before the next request for a lease that was not granted. Its holder may release it early.
 */
const retryDelay = ({ endsInMs }: LeaseAnswer, random: Random): Millis =>
  Math.min(endsInMs, RETRY_DELAY * (1 + random.float()))

/** The result of work under a lease that needs another request for the lease. */
export const AGAIN = Symbol('again')

/**
 * Requests a lease until `work` gives a result other than `AGAIN`. Calls `work` with each answer of the store,
 * granted or not, and releases a granted lease afterwards. After a request that was not granted it waits at most
 * 100 ms. Rejects with the error of `work`, and with the reason of `signal`.
 */
export async function withLease<T>(
  request: LeaseRequest,
  ports: LeasePorts & { readonly random: Random },
  work: (result: LeaseResult) => Promise<T | typeof AGAIN> | typeof AGAIN,
  signal?: AbortSignal,
): Promise<T> {
  for (;;) {
    signal?.throwIfAborted()
    const result = await requestLease(request, ports)
    const { lease } = result
    try {
      const outcome = await work(result)
      if (outcome !== AGAIN) return outcome
    } finally {
      await lease?.release()
    }
    if (!lease) await ports.clock.sleep(retryDelay(result, ports.random), signal)
  }
}

/** Requests a lease once. */
async function requestLease(request: LeaseRequest, { store, clock }: LeasePorts): Promise<LeaseResult> {
  const { connection, name, holder, credential } = request
  const state = { age: stopwatch(clock), isLost: false }
  const ask = async (of?: string): Promise<LeaseAnswer> => {
    // Counted from before the request, because the store's answer may take a while.
    const age = stopwatch(clock)
    const answer = await store.lease(connection, name, holder, LEASE, of)
    // After a lapse another holder may have had the lease, though it is granted again now.
    if (!answer.granted || state.age() >= LEASE) state.isLost = true
    if (answer.granted) state.age = age
    return answer
  }
  const requested = { requestedAt: clock.monotonic(), elapsed: stopwatch(clock) }
  const answer = { ...(await ask(credential)), ...requested }
  if (!answer.granted) return answer
  state.isLost = false
  const stop = new AbortController()
  void prolong(() => ask(), stop.signal, clock)
  return {
    ...answer,
    lease: {
      async confirm() {
        const again = await ask(credential)
        if (!again.granted) throw new Superseded()
        state.isLost = false
        return again.found
      },
      age: () => state.age(),
      isHeld: () => !state.isLost && state.age() < LEASE - MARGIN,
      async release() {
        stop.abort()
        await store.release(connection, name, holder).catch(() => {})
      },
    },
  }
}

/** Prolongs a lease until it is lost or the signal aborts. After an error of the store it tries again. */
async function prolong(ask: () => Promise<LeaseAnswer>, signal: AbortSignal, clock: Clock): Promise<void> {
  for (;;) {
    const isOver = await clock.sleep(LEASE / 3, signal).then(
      () => false,
      () => true,
    )
    if (isOver) return
    const answer = await ask().catch(() => undefined)
    if (answer?.granted === false) return
  }
}
