import { setTimeout } from 'node:timers/promises'
import {
  connection,
  type Connection,
  type ConnectionOptions,
  type ConnectionPorts,
} from '../../src/connection/connection.ts'
import type { Event } from '../../src/domain/events/event.ts'
import { Secret } from '../../src/domain/secret.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import { nodePlatform } from '../../src/node/crypto.ts'
import type { Store } from '../../src/ports/store.ts'
import { eventsOf } from '../../src/report/report.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { type FakeClock, fakeClock, seededRandom } from '../../src/testing/index.ts'
import { resolveHosts } from '../../src/upstream/hosts.ts'
import { webhookRoute } from '../../src/webhooks/endpoint.ts'
import { type FakeUpstream, fakeUpstream, publicKey } from './fake-upstream.ts'
// Loaded when they are needed, which takes real time: a test that steps a fake clock would not wait for it.
import '../../src/connection/guests.ts'
import '../../src/upstream/oauth/client-assertion.ts'
import '../../src/upstream/oauth/sign-in-checks.ts'
import '../../src/upstream/oauth/sign-in-requests.ts'

export const hosts = resolveHosts({
  oauthBaseUrl: 'https://login.example.com',
  apiBaseUrl: 'https://api.example.com',
})

/** A store, a clock and an upstream, and as many processes as a test starts on them. */
export interface World {
  readonly clock: FakeClock
  readonly store: Store
  readonly upstream: FakeUpstream
  /** One more process with its own memory. Requests are not repeated unless `options` says so, and random numbers are 0. */
  process(options?: Partial<ConnectionOptions>, ports?: Partial<ConnectionPorts>): Promise<Connection>
  events(): Promise<readonly Event[]>
}

export function world(): World {
  const clock = fakeClock()
  const store = memoryStore({ clock, route: webhookRoute })
  const upstream = fakeUpstream(clock)
  let processes = 0
  return {
    clock,
    store,
    upstream,
    process(options = {}, ports = {}) {
      const random = { ...seededRandom((processes += 1)), float: () => 0 }
      return connection(
        {
          hosts,
          client: { id: 'client', secret: new Secret('test-secret-client') },
          publicKey,
          policy: { retry: { retries: 0 }, limit: { perMinute: 60_000, burst: 1_000 }, breaker: { atLeast: 1_000 } },
          ...options,
        },
        { store, clock, random, http: upstream.http, platform: nodePlatform(), ...ports },
      )
    },
    async events() {
      const all: Event[] = []
      for await (const one of eventsOf(store, 'default')) all.push(one)
      return all
    },
  }
}

/** The result of a request: its token in clear, or the code of its error. */
export const outcome = (asked: Promise<{ readonly token: Secret }>): Promise<string> =>
  asked.then(({ token }) => token.reveal(), codeOf)

const codeOf = (thrown: unknown): string =>
  thrown instanceof GuestpassError ? thrown.code : `not ours: ${String(thrown)}`

/** The GuestpassError that a promise rejects with. */
export async function refusal(asked: Promise<unknown>): Promise<GuestpassError> {
  const thrown: unknown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof GuestpassError) return thrown
  throw new Error(`expected a GuestpassError, got ${String(thrown)}`)
}

/** Steps of 50 ms, about 100 s of the fake clock, within which work usually ends. */
const FAST_STEPS = 2_000

/**
 * Lets time pass, a little at a time, until work has ended. Signatures are checked on other threads: on a busy machine the fake clock
 * slows down for them, so that no timeout of hours passes meanwhile.
 */
export async function advanceUntil<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  const over = work.then(
    () => true,
    () => true,
  )
  const passed = async (step: number): Promise<boolean> => {
    if (step > FAST_STEPS) await setTimeout(1)
    await clock.advance(50)
    return false
  }
  for (let step = 0, isOver = false; !isOver; step += 1) isOver = await Promise.race([over, passed(step)])
  return work
}
