import { type Millis, SECOND } from '../../domain/time.ts'
import { Superseded } from '../../domain/superseded.ts'
import { type Clock, stopwatch } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Coordination, FoundCredential, LeaseAnswer } from '../../ports/store.ts'

/** Short, because its holder prolongs it: a process that dies keeps the others waiting only this long. */
export const LEASE: Millis = 5 * SECOND
/** The end of a lease, in which nothing is sent any more: what is sent then could arrive when another process has taken over. */
const MARGIN: Millis = SECOND

export interface LeaseRequest {
  readonly connection: string
  readonly name: string
  /** Names the process that asks, among all that share the store. */
  readonly holder: string
  /** The id of the credential that the lease is for, read in the same step. */
  readonly credential?: string
}

export interface LeasePorts {
  readonly store: Pick<Coordination, 'lease' | 'release'>
  readonly clock: Clock
}

/** A lease that this process holds, prolonged while work goes on. */
export interface Lease {
  /**
   * Asks the store again and reads the credential, which another holder may have changed if the lease lapsed meanwhile. Rejects with
   * `Superseded` when another holder has it.
   */
  confirm(): Promise<FoundCredential | undefined>
  /** Milliseconds since the store last confirmed it, suspends of the machine included. */
  age(): Millis
  /** False as soon as another process may have taken it: nothing may be sent any more before `confirm`. */
  isHeld(): boolean
  /** Gives it back. Never rejects: a lease that cannot be given back ends by itself. */
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

/** How long to wait before the next request for a lease that was not granted: its holder may give it back early. */
const retryDelay = ({ endsInMs }: LeaseAnswer, random: Random): Millis =>
  Math.min(endsInMs, RETRY_DELAY * (1 + random.float()))

/** What work under a lease answers to have the lease requested again. */
export const AGAIN = Symbol('again')

/**
 * Requests a lease until `work` gives a result. `work` is called with each answer of the store, granted or not, and answers
 * `AGAIN` to have the lease requested again. A lease that was granted is released afterwards. After a request that was not
 * granted it waits at most 100 ms. Rejects with what `work` throws, and with the reason of `signal`.
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
      const made = await work(result)
      if (made !== AGAIN) return made
    } finally {
      await lease?.release()
    }
    if (!lease) await ports.clock.sleep(retryDelay(result, ports.random), signal)
  }
}

/** Requests a lease once. */
async function requestLease(ask: LeaseRequest, { store, clock }: LeasePorts): Promise<LeaseResult> {
  const { connection, name, holder, credential } = ask
  const state = { age: stopwatch(clock), isLost: false }
  const asked = async (of?: string): Promise<LeaseAnswer> => {
    // From before the question: the store's answer may have taken a while.
    const age = stopwatch(clock)
    const answer = await store.lease(connection, name, holder, LEASE, of)
    // One that lapsed in between may have been another's meanwhile, though it is granted again.
    if (!answer.granted || state.age() >= LEASE) state.isLost = true
    if (answer.granted) state.age = age
    return answer
  }
  const requested = { requestedAt: clock.monotonic(), elapsed: stopwatch(clock) }
  const answer = { ...(await asked(credential)), ...requested }
  if (!answer.granted) return answer
  state.isLost = false
  const stop = new AbortController()
  void prolonged(() => asked(), stop.signal, clock)
  return {
    ...answer,
    lease: {
      async confirm() {
        const again = await asked(credential)
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

/** Prolongs a lease until it is lost or the signal aborts. A store that fails for a moment is asked again. */
async function prolonged(ask: () => Promise<LeaseAnswer>, signal: AbortSignal, clock: Clock): Promise<void> {
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
