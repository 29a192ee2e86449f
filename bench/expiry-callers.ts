/** Many callers of one contender in one process, which all request the access token just after it expired. A message names the job. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ICachePlugin } from '@azure/msal-node'
import { nodePorts } from '@guestpass/core/node'
import { embeddedStore } from './embedded-store.ts'
import type { Contender } from './race.ts'
import { CLIENT, genesysClient, googleAuth, guestpass, inHand, msal, type Server, smithy } from './token-getters.ts'

export interface Job {
  readonly who: Who
  readonly server: Server
  readonly callers: number
  /** What the processes of one contender share, if they share something. */
  readonly folder: string
  readonly key: string
}

export type Who =
  | 'Guestpass'
  | 'google-auth-library'
  | '@smithy/property-provider'
  | '@azure/msal-node'
  | '@azure/msal-node with a file'
  | 'purecloud-platform-client-v2'

/** Sent when the process has a token. */
export interface Warm {
  readonly warm: true
}

/** Sent to the process: all callers ask at this moment of the wall clock. */
export interface Go {
  readonly at: number
}

export interface Outcome {
  readonly served: number
  /** Why those who were not served were not; the first of them. */
  readonly refusal?: string
  readonly tookMs: number
}

async function ours({ server, folder, key }: Job): Promise<Contender> {
  const ports = nodePorts()
  return guestpass(server, { ...ports, store: await embeddedStore(ports, { path: join(folder, 'bench.db'), key }) })
}

/** The cache plug-in of the library's documents; a file is replaced as a whole, so that no process reads half of it. */
function fileCache(folder: string): ICachePlugin {
  const path = join(folder, 'cache.json')
  let writes = 0
  return {
    async beforeCacheAccess({ tokenCache }) {
      tokenCache.deserialize(await readFile(path, 'utf8').catch(() => ''))
    },
    async afterCacheAccess({ tokenCache, cacheHasChanged }) {
      if (!cacheHasChanged) return
      writes += 1
      const passing = `${path}.${process.pid}.${writes}`
      await writeFile(passing, tokenCache.serialize())
      await rename(passing, path)
    },
  }
}

/** The SDK logs in on request only, so its user checks the expiry that it stores. */
async function genesysLogin({ server }: Job): Promise<Contender> {
  const client = genesysClient(server)
  return {
    name: 'purecloud-platform-client-v2',
    calls: '',
    role: 'peer',
    async once() {
      const { tokenExpiryTime } = client.authData
      if (!tokenExpiryTime || Date.now() >= tokenExpiryTime)
        await client.loginClientCredentialsGrant(CLIENT.id, CLIENT.secret)
      return client.authData.accessToken
    },
    take: inHand,
  }
}

const contenders: Readonly<Record<Who, (job: Job) => Promise<Contender>>> = {
  Guestpass: ours,
  'google-auth-library': ({ server }) => googleAuth(server),
  '@smithy/property-provider': ({ server }) => smithy(server),
  '@azure/msal-node': ({ server }) => msal(server),
  '@azure/msal-node with a file': ({ server, folder }) => msal(server, fileCache(folder)),
  'purecloud-platform-client-v2': genesysLogin,
}

/** A caller that gets the expired token is not served: that token is shorter than the new one, and is refused. */
async function call({ once, take }: Contender, callers: number): Promise<Outcome> {
  const started = performance.now()
  const calls = Array.from({ length: callers }, async (_, at) => take((await once(at)) as never))
  const answers = await Promise.allSettled(calls)
  const tookMs = performance.now() - started
  const refused = answers.filter((one) => one.status === 'rejected')
  const [first] = refused
  return { served: callers - refused.length, ...(first && { refusal: String(first.reason) }), tookMs }
}

async function warmUp(job: Job): Promise<void> {
  const contender = await contenders[job.who](job)
  await contender.once(0)
  process.once('message', ({ at }: Go) => void answer(contender, job.callers, at))
  process.send?.({ warm: true } satisfies Warm)
}

async function answer(contender: Contender, callers: number, at: number): Promise<void> {
  await sleep(at - Date.now())
  process.send?.(await call(contender, callers), () => process.exit())
}

process.once('message', (job: Job) => void warmUp(job))
