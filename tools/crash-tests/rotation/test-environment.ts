import { join } from 'node:path'
import type { Store } from '@guestpass/core'
import type { JournalEntry } from '@guestpass/sandbox'
import { type BaseEnvironment, createBaseEnvironment, connectionOn } from '../base-environment.ts'
import type { EventClass } from '../events/event-plan.ts'
import { type Programs, programs } from '../programs.ts'
import type { RunDatabase } from '../run-database.ts'
import { type Api, signInConnection, engagementConnection, type TestedConnection } from './tested-connection.ts'

/**
 * What the upstream does when a spent refresh token comes again: see `SignInOptions.refreshProfile` of the
 * sandbox.
 */
export type Profile = 'strict' | 'grace'

interface TestEnvironmentOptions {
  readonly profile: Profile
  readonly connections: number
  /** The connections use them in turn. */
  readonly apis: readonly [Api, ...Api[]]
  /** The classes of events that the environment must be able to inject. */
  readonly mix: readonly EventClass[]
  readonly bug?: string | undefined
  /** What the store is on. Default `sqlite`. */
  readonly on?: RunDatabase | undefined
}

/**
 * A local Genesys, a store that the workers share, and connections that have something to refresh.
 */
export interface TestEnvironment extends Omit<BaseEnvironment, 'ports' | 'storeEnv'> {
  /** Environment variables of the workers, besides those that lead to the upstream. */
  readonly env: Readonly<Record<string, string>>
  readonly programs: Programs
  /** The requests that the upstream received. */
  journal(): readonly JournalEntry[]
  readonly connections: readonly TestedConnection[]
}

/**
 * How long the upstream repeats an answer under `grace`, in seconds. The next worker of a connection comes
 * after those of all others, and after the lease of a dead one: this is several times as long.
 */
const GRACE_SECONDS = 60
/**
 * Under `strict`, others wait until a token in doubt expires; under `grace`, a repeated answer must be in
 * time.
 */
const ACCESS_TOKEN_SECONDS: Readonly<Record<Profile, number>> = { strict: 3, grace: 30 }
const GUEST_TOKEN_SECONDS = 3

export async function createTestEnvironment(options: TestEnvironmentOptions): Promise<TestEnvironment> {
  const { profile, connections, apis, mix, bug, on } = options
  const { ports, storeEnv, ...base } = await createBaseEnvironment({
    prefix: 'guestpass-rotation-',
    upstream: {
      accessTokenSeconds: ACCESS_TOKEN_SECONDS[profile],
      engagementTokenSeconds: GUEST_TOKEN_SECONDS,
      refreshProfile: profile,
      graceSeconds: GRACE_SECONDS,
    },
    mix,
    on,
  })
  const tested = async (at: number): Promise<TestedConnection> => {
    const api = apis[at % apis.length] ?? apis[0]
    const made = await testedConnection({ ports, storeEnv, ...base }, ports.store, `${api}-${at}`, api)
    await made.restart()
    return made
  }
  return {
    ...base,
    programs: await programs(base.cwd, { worker: 'rotation/worker.ts', failPoints: 'fail-point-injection.ts' }),
    env: {
      ...storeEnv,
      NODE_COMPILE_CACHE: join(base.cwd, 'compiled'),
      CRASH_TEST_PROFILE: profile,
      CRASH_TEST_GRACE_MS: String(GRACE_SECONDS * 1_000),
      ...(bug === undefined ? {} : { CRASH_TEST_BUG: bug }),
    },
    journal: base.upstream.journal,
    connections: await Promise.all(Array.from({ length: connections }, (_, at) => tested(at))),
  }
}

async function testedConnection(
  base: BaseEnvironment,
  store: Store,
  name: string,
  api: Api,
): Promise<TestedConnection> {
  const own = await connectionOn(base, name)
  return api === 'grant'
    ? signInConnection(own, store)
    : engagementConnection(own, store, base.upstream.channelId, base.cwd)
}
