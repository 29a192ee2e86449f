import type { Connection, IssuedGuest, Store } from '@guestpass/core'
import {
  type BaseEnvironment,
  createBaseEnvironment,
  connectionOn,
  REQUESTS_PER_MINUTE,
  signIn,
} from './base-environment.ts'
import { connectionOf } from './creates/persons.ts'
import type { EventClass } from './events/event-plan.ts'
import type { SeededRandom } from './random.ts'
import type { RunDatabase } from './run-database.ts'

/** The connection of the guests that are refreshed. */
export const CONNECTION = 'default'

export interface TestEnvironmentOptions {
  readonly guests: number
  /** Lifetimes of the guests' tokens, in seconds: whole numbers from the first to the second. */
  readonly lives: readonly [number, number]
  /** The classes of events that the environment must be able to inject. Default none. */
  readonly mix?: readonly EventClass[]
  /** What the store is on. Default `sqlite`. */
  readonly on?: RunDatabase | undefined
}

/** A local Genesys and a store, with guests that are refreshed and a user who is signed in. */
export interface TestEnvironment extends Omit<BaseEnvironment, 'ports' | 'storeEnv'> {
  /** Environment variables of the workers, besides those that lead to the upstream. */
  readonly env: Readonly<Record<string, string>>
  /** The same store as the workers use. */
  readonly store: Store
  readonly connection: Connection
  readonly issued: readonly IssuedGuest[]
  /** Signs the user in on whose behalf external users are made. */
  signIn(): Promise<void>
}

const SCOPES = ['webmessaging:guest:send', 'webmessaging:guest:receive']
const USER_SCOPES = ['webmessaging:guest:create', 'externalusers:write']
const DAY_SECONDS = 86_400

export async function createTestEnvironment(
  { guests, lives, mix = [], on }: TestEnvironmentOptions,
  random: SeededRandom,
): Promise<TestEnvironment> {
  const { ports, storeEnv, ...base } = await createBaseEnvironment({
    prefix: 'guestpass-crash-test-',
    upstream: {
      // Access tokens end during a run too, so that workers also die while they renew those.
      accessTokenSeconds: 300,
      externalUserDuplicates: 'make',
      externalUserTokenSeconds: DAY_SECONDS,
      engagementTokenSeconds: DAY_SECONDS,
    },
    mix,
    on,
  })
  const { upstream, database } = base
  const own = await connectionOn({ ports, storeEnv, ...base }, CONNECTION)
  const ofUser = await connectionOn({ ports, storeEnv, ...base }, connectionOf('external-users'))
  await signIn(ofUser, USER_SCOPES)
  const issue = () => own.guests.issue({ duration: random.whole(...lives), scopes: SCOPES })
  return {
    ...base,
    env: {
      ...storeEnv,
      GENESYS_RATE_LIMIT: String(REQUESTS_PER_MINUTE),
      GUESTPASS_DATABASE_URL: database,
      CRASH_TEST_CHANNEL: upstream.channelId,
    },
    store: ports.store,
    connection: own,
    issued: await Promise.all(Array.from({ length: guests }, issue)),
    signIn: () => signIn(ofUser, USER_SCOPES),
  }
}
