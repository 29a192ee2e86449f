import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Connection,
  connection,
  type Credential,
  type Event,
  eventsOf,
  resolveHosts,
  Secret,
} from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { type JournalEntry, type Sandbox, sandbox } from '@guestpass/sandbox'
import { localKeyRing, sqliteStore } from '@guestpass/store/sqlite'
import { type Programs, programs } from './programs.ts'

export type Profile = 'strict' | 'grace'

/** A local Genesys where a user signed in to some connections, and an embedded store that the workers share. */
export interface Scene {
  readonly upstream: Sandbox
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly programs: Programs
  /** What upstream was asked, on behalf of all connections. */
  journal(): readonly JournalEntry[]
  readonly connections: readonly SignedIn[]
  close(): Promise<void>
}

export interface SignedIn {
  readonly name: string
  grant(): Promise<Credential | undefined>
  events(): Promise<readonly Event[]>
  /** Signs the user in; again and again until it succeeds. */
  signIn(): Promise<void>
}

/** Long enough for the next worker to come, whose turn it is after all other connections, and for the lease of the dead one to end; a few times over. */
const GRACE_SECONDS = 60
/** Short where a token in doubt has to come to its end while somebody watches; else so long that an answer given again is in time, mostly. */
const LIFE_SECONDS: Readonly<Record<Profile, number>> = { strict: 3, grace: 30 }

export async function scene(profile: Profile, connections: number, bug: string | undefined): Promise<Scene> {
  const upstream = await sandbox({
    rateLimit: { perMinute: 600_000 },
    journalSize: 1_000_000,
    accessTokenSeconds: LIFE_SECONDS[profile],
    refreshProfile: profile,
    graceSeconds: GRACE_SECONDS,
    autoConsent: true,
  })
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'guestpass-rotation-')))
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')
  const { close, ...world } = nodePorts()
  const keyRing = localKeyRing(key, world)
  const store = await sqliteStore({ path: join(cwd, 'guestpass.db'), keyRing, busyMs: 30_000, ...world })
  const { GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = upstream.env
  const signedIn = async (name: string): Promise<SignedIn> => {
    const own: Connection = await connection(
      {
        name,
        hosts: resolveHosts({ oauthBaseUrl: upstream.url, apiBaseUrl: upstream.url }),
        client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
        policy: { limit: { perMinute: 600_000 } },
      },
      { ...world, store },
    )
    const once = async (): Promise<void> => {
      const { url } = await own.signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback', scopes: ['guest:read'] })
      const back = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
      await own.signIn.complete(new URL(back).searchParams)
    }
    const signIn = async (): Promise<void> => {
      for (let tries = 0; ; tries += 1) {
        try {
          return await once()
        } catch (thrown) {
          if (tries === 20) throw thrown
        }
      }
    }
    await signIn()
    return {
      name,
      grant: async () => (await store.find(name, 'grant')).credential,
      async events() {
        const all: Event[] = []
        for await (const event of eventsOf(store, name)) all.push(event)
        return all
      },
      signIn,
    }
  }
  return {
    upstream,
    cwd,
    programs: await programs(cwd),
    env: {
      ...upstream.env,
      GUESTPASS_ENCRYPTION_KEY: key,
      NODE_COMPILE_CACHE: join(cwd, 'compiled'),
      TORTURE_PROFILE: profile,
      TORTURE_GRACE_MS: String(GRACE_SECONDS * 1_000),
      ...(bug === undefined ? {} : { TORTURE_BUG: bug }),
    },
    journal: upstream.journal,
    connections: await Promise.all(Array.from({ length: connections }, (_, at) => signedIn(`connection-${at}`))),
    async close() {
      await close()
      await store.close()
      await upstream.close()
      rmSync(cwd, { recursive: true, force: true })
    },
  }
}
