import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, sandbox, type SandboxOptions } from '@guestpass/sandbox'
import { freePort } from '../free-port.ts'
import { createInstance, type Instance } from './instance.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/** The keys of the instances, by role. */
export const apiKeys = {
  issuer: 'test-secret-instances-issuer',
  operator: 'test-secret-instances-operator',
  connection: 'test-secret-instances-connection',
} as const

/** What is started. */
export interface InstancesOptions {
  /** How many instances. */
  readonly count: number
  /** The address of the PostgreSQL database that they share. Default: a SQLite file. */
  readonly databaseUrl?: string
  /** Further environment variables of the instances. */
  readonly env?: Readonly<Record<string, string>>
  /** Options of the upstream, besides its rate limit and the size of its journal. */
  readonly upstream?: SandboxOptions
  /** The file that Node runs. Default: the command of these sources. */
  readonly entry?: string | undefined
}

/** Instances of the service on one database, with an upstream and a receiver of webhooks. */
export interface Instances {
  readonly all: readonly Instance[]
  readonly upstream: Sandbox
  readonly receiver: Receiver
  /** The folder in which they run. */
  readonly folder: string
  readonly databaseUrl: string
  /** The base64 of the key that seals the store. */
  readonly encryptionKey: string
  /** Stops the instances, and removes the folder. */
  close(): Promise<void>
}

/** High enough that nothing waits for a permit. */
const REQUESTS_PER_MINUTE = 600_000

/** Starts instances of the service, and waits until they listen. */
export async function startInstances(options: InstancesOptions): Promise<Instances> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'guestpass-instances-')))
  const upstream = await sandbox({
    algorithm: 'ES256',
    rateLimit: { perMinute: REQUESTS_PER_MINUTE },
    journalSize: 1_000_000,
    autoConsent: true,
    ...options.upstream,
  })
  const receiver = await startReceiver(upstream.env['WEBHOOK_SECRET'] ?? '')
  const encryptionKey = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')
  const databaseUrl = options.databaseUrl ?? join(folder, 'store.db')
  const env = {
    ...upstream.env,
    ...receiver.env,
    GENESYS_RATE_LIMIT: String(REQUESTS_PER_MINUTE),
    GENESYS_CHANNEL_ID: upstream.channelId,
    GUESTPASS_API_KEYS: Object.entries(apiKeys)
      .map(([role, key]) => `${role}:${key}`)
      .join(','),
    GUESTPASS_DATABASE_URL: databaseUrl,
    GUESTPASS_ENCRYPTION_KEY: encryptionKey,
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
    ...options.env,
  }
  const start = async (): Promise<Instance> =>
    createInstance({ port: await freePort(), cwd: folder, env, entry: options.entry })
  // The first one makes the tables.
  const all = [await start()]
  await all[0]?.isListening()
  while (all.length < options.count) all.push(await start())
  await Promise.all(all.map((one) => one.isListening()))
  return {
    all,
    upstream,
    receiver,
    folder,
    databaseUrl,
    encryptionKey,
    async close() {
      await Promise.all(all.map((one) => one.stop()))
      await receiver.close()
      await upstream.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
