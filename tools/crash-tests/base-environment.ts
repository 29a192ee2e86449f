import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, connection, type ConnectionPorts, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { type Sandbox, sandbox, type SandboxOptions } from '@guestpass/sandbox'
import type { EventClass } from './events/event-plan.ts'
import { UPSTREAM_NAME } from './events/network.ts'
import { type SharedFaults, sharedFaults } from './events/shared-faults.ts'
import { openRunStore } from './run-store.ts'
import { type RunDatabase, startRunDatabase } from './run-database.ts'

/** High enough that no worker waits for a permit. */
export const REQUESTS_PER_MINUTE = 600_000

/** A local Genesys, and a store that the workers and this process share. */
export interface BaseEnvironment {
  readonly upstream: Sandbox
  /** The folder in which the workers run. */
  readonly cwd: string
  readonly sharedFaults: SharedFaults
  /** The path of the database, or its address. */
  readonly database: string
  /** Ports of this process, with the store. */
  readonly ports: ConnectionPorts & Required<Pick<ConnectionPorts, 'store'>>
  /** Environment variables with which a worker opens the store. */
  readonly storeEnv: Readonly<Record<string, string>>
  close(): Promise<void>
}

interface BaseEnvironmentOptions {
  /** The name of the folder begins with it. */
  readonly prefix: string
  /** Options of the sandbox, besides its rate limit, journal size and hosts. */
  readonly upstream: SandboxOptions
  /** The classes of events that the environment must be able to inject. */
  readonly mix: readonly EventClass[]
  /** What the store is on. Default `sqlite`. */
  readonly on?: RunDatabase | undefined
}

export async function createBaseEnvironment({
  prefix,
  upstream: more,
  mix,
  on,
}: BaseEnvironmentOptions): Promise<BaseEnvironment> {
  const upstream = await sandbox({
    rateLimit: { perMinute: REQUESTS_PER_MINUTE },
    journalSize: 1_000_000,
    autoConsent: true,
    allowedHosts: [UPSTREAM_NAME],
    ...more,
  })
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), prefix)))
  const faults = await sharedFaults(cwd, upstream, mix)
  const { database, stop } = await startRunDatabase(faults.folder, on)
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')
  const { close, ...ports } = nodePorts()
  const store = await openRunStore(database, key, ports)
  return {
    upstream,
    cwd,
    sharedFaults: faults,
    database,
    ports: { ...ports, store },
    storeEnv: { GUESTPASS_ENCRYPTION_KEY: key, CRASH_TEST_DATABASE: database },
    async close() {
      await close()
      await store.close()
      await stop()
      await upstream.close()
      await faults.close()
      rmSync(cwd, { recursive: true, force: true })
    },
  }
}

/** Makes a connection of this process, on the upstream and the store of the environment. */
export function connectionOn({ upstream, ports }: BaseEnvironment, name: string): Promise<Connection> {
  const { GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = upstream.env
  return connection(
    {
      name,
      hosts: resolveHosts({ oauthBaseUrl: upstream.url, apiBaseUrl: upstream.url }),
      client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
      policy: { limit: { perMinute: REQUESTS_PER_MINUTE } },
    },
    ports,
  )
}

/** Signs the user in at the sandbox, which consents by itself. */
export async function signIn(at: Connection, scopes: readonly string[]): Promise<void> {
  const { url } = await at.signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback', scopes })
  const back = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
  await at.signIn.complete(new URL(back).searchParams)
}
