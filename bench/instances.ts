/** Instances of the service for the measures, against an upstream whose tokens were signed in advance. */
import { randomBytes } from 'node:crypto'
import { type Child, child } from './child.ts'
import type { InstanceOrder, Listening, Usage } from './service-instance.ts'
import type { SignedUpstream, UpstreamOrder, UpstreamReport } from './signed-upstream.ts'

/** The API key of the instances. */
export const API_KEY = randomBytes(24).toString('base64url')

/** An upstream in a process of its own. */
export interface UpstreamProcess extends SignedUpstream {
  /** Signs the next token of each of these guests. */
  prepare(guestIds: readonly string[]): Promise<void>
  asked(): Promise<UpstreamReport>
  end(): Promise<void>
}

/** Signed at once: more would make the messages between the processes large. */
const TOGETHER = 1_000

export async function upstreamProcess(): Promise<UpstreamProcess> {
  const running = child('signed-upstream.ts')
  const place = await running.next<SignedUpstream>()
  const order = (text: UpstreamOrder): Promise<UpstreamReport> => {
    running.tell(text)
    return running.next<UpstreamReport>()
  }
  return {
    ...place,
    async prepare(guestIds) {
      for (let from = 0; from < guestIds.length; from += TOGETHER)
        await order({ prepare: guestIds.slice(from, from + TOGETHER) })
    },
    asked: () => order({ report: true }),
    end: () => running.end(),
  }
}

/** An instance of the service in a process of its own. */
export interface Instance extends Listening {
  readonly pid: number
  usage(): Promise<Usage>
  stop(): Promise<void>
}

/** Starts an instance on a database. */
export async function startInstance(
  upstream: SignedUpstream,
  database: { readonly url: string; readonly key: string },
  more: Readonly<Record<string, string>> = {},
): Promise<Instance> {
  const running = child('service-instance.ts', [], {
    GENESYS_OAUTH_BASE_URL: upstream.url,
    GENESYS_API_BASE_URL: upstream.url,
    GENESYS_CLIENT_ID: 'bench',
    GENESYS_CLIENT_SECRET: 'a-secret-for-the-bench',
    GENESYS_ACCESS_TOKEN_FORMAT: 'opaque',
    GENESYS_PUBLIC_KEY: upstream.publicKey,
    // The most that can be set: upstream is not what limits.
    GENESYS_RATE_LIMIT: '1000000',
    GUESTPASS_API_KEYS: `issuer:${API_KEY}`,
    GUESTPASS_DATABASE_URL: database.url,
    GUESTPASS_ENCRYPTION_KEY: database.key,
    GUESTPASS_DRAIN_SECONDS: '0',
    ...more,
  })
  const listening = await running.next<Listening>()
  return { ...listening, pid: running.pid, usage: () => usageOf(running), stop: () => stopped(running) }
}

const tell = (running: Child, order: InstanceOrder): void => running.tell({ order })

async function usageOf(running: Child): Promise<Usage> {
  tell(running, 'usage')
  return running.next<Usage>()
}

async function stopped(running: Child): Promise<void> {
  tell(running, 'stop')
  await running.ended()
}
