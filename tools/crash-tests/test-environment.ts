import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, connection, type IssuedGuest, resolveHosts, Secret, type Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { localKeyRing, sqliteStore } from '@guestpass/store/sqlite'
import { connectionOf } from './creates/persons.ts'
import type { EventClass } from './events/event-plan.ts'
import { UPSTREAM_NAME } from './events/network.ts'
import { type SharedFaults, sharedFaults } from './events/shared-faults.ts'
import type { SeededRandom } from './random.ts'

/** The connection of the guests that are refreshed. */
export const CONNECTION = 'default'

export interface TestEnvironmentOptions {
  readonly guests: number
  /** Lives of the guests' tokens, in seconds: whole numbers from the first to the second. */
  readonly lives: readonly [number, number]
  /** What the surroundings must be able to do. Default nothing. */
  readonly mix?: readonly EventClass[]
}

/** A local Genesys, one embedded store in a folder of its own, guests to keep, and a user who is signed in. */
export interface TestEnvironment {
  readonly upstream: Sandbox
  /** The folder and the environment of the workers, without the way to upstream. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly around: SharedFaults
  readonly database: string
  /** The same store, open in this process too. */
  readonly store: Store
  readonly connection: Connection
  /** The one on behalf of which external users are made. */
  readonly signedIn: Connection
  readonly issued: readonly IssuedGuest[]
  /** Signs the user in. */
  signIn(): Promise<void>
  close(): Promise<void>
}

const PER_MINUTE = 600_000
const SCOPES = ['webmessaging:guest:send', 'webmessaging:guest:receive']
const USER_SCOPES = ['webmessaging:guest:create', 'externalusers:write']

export async function testEnvironment(
  { guests, lives, mix = [] }: TestEnvironmentOptions,
  random: SeededRandom,
): Promise<TestEnvironment> {
  // Access tokens end during a run too, so that workers also die while they renew those.
  const upstream = await sandbox({
    rateLimit: { perMinute: PER_MINUTE },
    journalSize: 1_000_000,
    accessTokenSeconds: 300,
    autoConsent: true,
    externalUserDuplicates: 'make',
    externalUserTokenSeconds: 86_400,
    engagementTokenSeconds: 86_400,
    allowedHosts: [UPSTREAM_NAME],
  })
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'guestpass-crash-test-')))
  const around = await sharedFaults(cwd, upstream, mix)
  const database = join(around.folder, 'guestpass.db')
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')
  const { close, ...world } = nodePorts()
  const store = await sqliteStore({ path: database, keyRing: localKeyRing(key, world), busyMs: 30_000, ...world })
  const env = {
    GENESYS_RATE_LIMIT: String(PER_MINUTE),
    GUESTPASS_ENCRYPTION_KEY: key,
    GUESTPASS_DATABASE_URL: database,
    CRASH_TEST_DATABASE: database,
    CRASH_TEST_CHANNEL: upstream.channelId,
  }
  const { GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = upstream.env
  const named = (name: string): Promise<Connection> =>
    connection(
      {
        name,
        hosts: resolveHosts({ oauthBaseUrl: upstream.url, apiBaseUrl: upstream.url }),
        client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
        policy: { limit: { perMinute: PER_MINUTE } },
      },
      { ...world, store },
    )
  const own = await named(CONNECTION)
  const signedIn = await named(connectionOf('external-users'))
  const signIn = async (): Promise<void> => {
    const { url } = await signedIn.signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback', scopes: USER_SCOPES })
    const back = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
    await signedIn.signIn.complete(new URL(back).searchParams)
  }
  await signIn()
  const issued = await Promise.all(
    Array.from({ length: guests }, () => own.guests.issue({ duration: random.whole(...lives), scopes: SCOPES })),
  )
  return {
    upstream,
    cwd,
    env,
    around,
    database,
    store,
    connection: own,
    signedIn,
    issued,
    signIn,
    async close() {
      await close()
      await store.close()
      await upstream.close()
      await around.close()
      rmSync(cwd, { recursive: true, force: true })
    },
  }
}
