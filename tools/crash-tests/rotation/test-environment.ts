import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, connection, type Event, resolveHosts, Secret, type Store } from '@guestpass/core'
import { eventsOf } from '@guestpass/core/runtime-kit'
import { asGuestpassError, type Credential } from '@guestpass/core/store-kit'
import { nodePorts } from '@guestpass/core/node'
import { type JournalEntry, type Sandbox, sandbox } from '@guestpass/sandbox'
import { localKeyRing, sqliteStore } from '@guestpass/store/sqlite'
import type { EventClass } from '../events/event-plan.ts'
import { type SharedFaults, sharedFaults } from '../events/shared-faults.ts'
import { UPSTREAM_NAME } from '../events/network.ts'
import { type Programs, programs } from '../programs.ts'

export type Profile = 'strict' | 'grace'

/** The APIs whose refresh tokens are spent by each use: the sign-in of a user, and the guests of a channel. */
export type Api = 'grant' | 'engagements'

export interface TestEnvironmentOptions {
  readonly profile: Profile
  readonly connections: number
  /** In turn. */
  readonly apis: readonly [Api, ...Api[]]
  readonly mix: readonly EventClass[]
  readonly bug?: string | undefined
}

/** A local Genesys, an embedded store that the workers share, and connections that have something to refresh. */
export interface TestEnvironment {
  readonly upstream: Sandbox
  readonly cwd: string
  readonly database: string
  readonly around: SharedFaults
  readonly env: Readonly<Record<string, string>>
  readonly programs: Programs
  /** What upstream was asked, on behalf of all connections. */
  journal(): readonly JournalEntry[]
  readonly connections: readonly Kept[]
  close(): Promise<void>
}

/** One connection, with a sign-in or a guest that is refreshed. */
export interface Kept {
  readonly name: string
  readonly api: Api
  /** All sign-ins or guests that it ever had, as they stand. */
  credentials(): Promise<readonly Credential[]>
  events(): Promise<readonly Event[]>
  /** Whether the one of now has ended, so that it must be begun again. */
  hasEnded(): Promise<boolean>
  /** Signs the user in, or makes another guest; again and again until it succeeds. */
  begin(): Promise<void>
}

/** Long enough for the next worker to come, whose turn it is after all other connections, and for the lease of the dead one to end; a few times over. */
const GRACE_SECONDS = 60
/** Short where others wait until a token in doubt expires; else long enough for a replayed answer to be in time. */
const LIFE_SECONDS: Readonly<Record<Profile, number>> = { strict: 3, grace: 30 }
const GUEST_SECONDS = 3
const TRIES = 60

export async function testEnvironment({
  profile,
  connections,
  apis,
  mix,
  bug,
}: TestEnvironmentOptions): Promise<TestEnvironment> {
  const upstream = await sandbox({
    rateLimit: { perMinute: 600_000 },
    journalSize: 1_000_000,
    accessTokenSeconds: LIFE_SECONDS[profile],
    engagementTokenSeconds: GUEST_SECONDS,
    refreshProfile: profile,
    graceSeconds: GRACE_SECONDS,
    autoConsent: true,
    allowedHosts: [UPSTREAM_NAME],
  })
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'guestpass-rotation-')))
  const around = await sharedFaults(cwd, upstream, mix)
  const database = join(around.folder, 'guestpass.db')
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')
  const { close, ...world } = nodePorts()
  const store = await sqliteStore({ path: database, keyRing: localKeyRing(key, world), busyMs: 30_000, ...world })
  const kept = async (name: string, api: Api): Promise<Kept> => {
    const own = await connectionTo(upstream, name, { ...world, store })
    const one = api === 'grant' ? signedIn(own, store) : withGuest(own, store, upstream.channelId, cwd)
    await one.begin()
    return one
  }
  const nth = (at: number): Api => apis[at % apis.length] ?? apis[0]
  return {
    upstream,
    cwd,
    database,
    around,
    programs: await programs(cwd, { worker: 'rotation/worker.ts', failPoints: 'fail-point-injection.ts' }),
    env: {
      GUESTPASS_ENCRYPTION_KEY: key,
      NODE_COMPILE_CACHE: join(cwd, 'compiled'),
      CRASH_TEST_DATABASE: database,
      CRASH_TEST_PROFILE: profile,
      CRASH_TEST_GRACE_MS: String(GRACE_SECONDS * 1_000),
      ...(bug === undefined ? {} : { CRASH_TEST_BUG: bug }),
    },
    journal: upstream.journal,
    connections: await Promise.all(Array.from({ length: connections }, (_, at) => kept(`${nth(at)}-${at}`, nth(at)))),
    async close() {
      await close()
      await store.close()
      await upstream.close()
      await around.close()
      rmSync(cwd, { recursive: true, force: true })
    },
  }
}

const connectionTo = (
  upstream: Sandbox,
  name: string,
  ports: Parameters<typeof connection>[1],
): Promise<Connection> => {
  const { GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = upstream.env
  return connection(
    {
      name,
      hosts: resolveHosts({ oauthBaseUrl: upstream.url, apiBaseUrl: upstream.url }),
      client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
      policy: { limit: { perMinute: 600_000 } },
    },
    ports,
  )
}

/** Faults and full disks meet this process too. */
async function insisting(once: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await once()
    } catch (thrown) {
      if (tries === TRIES) throw thrown
      const { retryAt = 0 } = asGuestpassError(thrown)
      const waitMs = Math.min(Math.max(retryAt - Date.now(), 250), 10_000)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
}

const eventsIn = async (store: Store, name: string): Promise<readonly Event[]> => {
  const all: Event[] = []
  for await (const event of eventsOf(store, name)) all.push(event)
  return all
}

function signedIn({ name, signIn }: Connection, store: Store): Kept {
  const grant = async (): Promise<Credential | undefined> => (await store.find(name, 'grant')).credential
  const once = async (): Promise<void> => {
    const { url } = await signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback', scopes: ['guest:read'] })
    const back = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
    await signIn.complete(new URL(back).searchParams)
  }
  return {
    name,
    api: 'grant',
    credentials: async () => [await grant()].filter((one) => one !== undefined),
    events: () => eventsIn(store, name),
    hasEnded: async () => (await grant())?.status === 'needs_reauth',
    begin: () => insisting(once),
  }
}

/** The id of the guest of now is in a file, where workers look it up. */
function withGuest({ name, guests }: Connection, store: Store, channelId: string, cwd: string): Kept {
  const made: string[] = []
  const once = async (): Promise<void> => {
    const email = `person-${made.length}@${name}.example`
    const { guestId } = await guests.issue({ api: 'engagements', email, consent: true, channelId })
    made.push(guestId)
    writeFileSync(join(cwd, `guest-of-${name}`), guestId)
  }
  const found = async (id: string): Promise<Credential | undefined> => (await store.find(name, id)).credential
  return {
    name,
    api: 'engagements',
    credentials: async () => (await Promise.all(made.map(found))).filter((one) => one !== undefined),
    events: () => eventsIn(store, name),
    hasEnded: async () => (await found(made.at(-1) ?? ''))?.status === 'needs_reauth',
    begin: () => insisting(once),
  }
}
