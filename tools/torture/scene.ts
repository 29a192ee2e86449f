import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, connection, type IssuedGuest, resolveHosts, Secret, type Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { localKeyRing, sqliteStore } from '@guestpass/store/sqlite'
import type { Luck } from './luck.ts'

/** The connection that everybody uses. */
export const CONNECTION = 'default'

export interface SceneOptions {
  readonly guests: number
  /** Lives of the guests' tokens, in seconds: whole numbers from the first to the second. */
  readonly lives: readonly [number, number]
}

/** A local Genesys, one embedded store in a folder of its own, and guests to keep. */
export interface Scene {
  readonly upstream: Sandbox
  /** The folder and the environment of the workers. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** The same store, open in this process too. */
  readonly store: Store
  readonly connection: Connection
  readonly issued: readonly IssuedGuest[]
  close(): Promise<void>
}

const PER_MINUTE = 600_000
const SCOPES = ['webmessaging:guest:send', 'webmessaging:guest:receive']

export async function scene({ guests, lives }: SceneOptions, luck: Luck): Promise<Scene> {
  // Access tokens end during a run too, so that workers also die while they renew those.
  const upstream = await sandbox({
    rateLimit: { perMinute: PER_MINUTE },
    journalSize: 1_000_000,
    accessTokenSeconds: 300,
  })
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'guestpass-torture-')))
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')
  const { close, ...world } = nodePorts()
  const store = await sqliteStore({ path: join(cwd, 'guestpass.db'), keyRing: localKeyRing(key, world), ...world })
  const env = {
    ...upstream.env,
    GENESYS_RATE_LIMIT: String(PER_MINUTE),
    GUESTPASS_ENCRYPTION_KEY: key,
    GUESTPASS_DATABASE_URL: 'guestpass.db',
  }
  const { GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = upstream.env
  const own = await connection(
    {
      name: CONNECTION,
      hosts: resolveHosts({ oauthBaseUrl: upstream.url, apiBaseUrl: upstream.url }),
      client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
      policy: { limit: { perMinute: PER_MINUTE } },
    },
    { ...world, store },
  )
  const issued = await Promise.all(
    Array.from({ length: guests }, () => own.guests.issue({ duration: luck.whole(...lives), scopes: SCOPES })),
  )
  return {
    upstream,
    cwd,
    env,
    store,
    connection: own,
    issued,
    async close() {
      await close()
      await store.close()
      await upstream.close()
      rmSync(cwd, { recursive: true, force: true })
    },
  }
}
