/** Keeps the sessions of a store renewed, up to the number that the job names: a process of its own. A message names the job. */
import { connection, keeper, resolveHosts, Secret, type Store } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { embeddedStore } from './embedded-store.ts'
import { CONNECTION } from './live-sessions.ts'
import { benchPostgresStore } from './postgres.ts'

export interface KeeperJob {
  /** The path of a file, or the address of PostgreSQL. */
  readonly place: string
  readonly key: string
  readonly url: string
  readonly publicKey: string
  /** Renewals after which to end. */
  readonly renewals: number
}

/** Sent when the first claim was answered. */
export interface Ready {
  readonly rss: number
}

export interface Kept {
  /** When each renewal was stored, and since when it was due. */
  readonly renewed: readonly { readonly at: number; readonly dueAt: number }[]
  readonly failed: number
  /** The most memory that was seen, in bytes. */
  readonly peakRss: number
  /** Of the renewals' time, on all cores. */
  readonly cpuMs: number
}

const SAMPLE_MS = 200
/** Above everything that can be renewed: upstream is not what limits. */
const NO_LIMIT = 6_000_000

async function keep({ place, key, url, publicKey, renewals }: KeeperJob): Promise<Kept> {
  const ports = nodePorts()
  const isPostgres = place.startsWith('postgres:')
  const store = isPostgres
    ? await benchPostgresStore(ports, { url: place, key })
    : await embeddedStore(ports, { path: place, key })
  const { guests, meters } = await connection(
    {
      name: CONNECTION,
      hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }),
      client: { id: 'bench', secret: new Secret('a-secret-for-the-bench') },
      accessTokenFormat: 'opaque',
      publicKey,
      policy: { limit: { perMinute: NO_LIMIT, burst: NO_LIMIT / 60 } },
    },
    { ...ports, store },
  )
  const due = new Map<string, number>()
  const renewed = new Map<string, Kept['renewed'][number]>()
  let failed = 0
  let peakRss = 0
  const sampling = setInterval(() => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss())
  }, SAMPLE_MS)
  const stop = new AbortController()
  const renew = async (guestId: string): Promise<void> => {
    try {
      await guests.keepRenewed(guestId)
      const dueAt = due.get(guestId) as number
      if (!renewed.has(guestId)) renewed.set(guestId, { at: ports.clock.wall(), dueAt })
    } catch (thrown) {
      if (failed === 0) console.error(thrown)
      failed += 1
    }
    if (renewed.size + failed >= renewals) stop.abort('done')
  }
  const claimDue: Store['claimDue'] = async (...ask) => {
    const answer = await store.claimDue(...ask).catch(quit)
    ready()
    for (const { id, dueAt } of answer.claimed) due.set(id, dueAt)
    return answer
  }
  const before = process.cpuUsage()
  await keeper(
    { connection: CONNECTION, renew, meter: meters },
    { store: { ...store, claimDue }, clock: ports.clock },
    { perMinute: NO_LIMIT },
  ).run(stop.signal)
  const { user, system } = process.cpuUsage(before)
  clearInterval(sampling)
  await store.close()
  return { renewed: [...renewed.values()], failed, peakRss, cpuMs: (user + system) / 1_000 }
}

/** A keeper asks again whatever happens; here that would only hide what is wrong. */
function quit(thrown: unknown): never {
  console.error(thrown)
  process.exit(1)
}

let isReady = false
function ready(): void {
  if (isReady) return
  isReady = true
  process.send?.({ rss: process.memoryUsage.rss() } satisfies Ready)
}

async function answerJob(job: KeeperJob): Promise<void> {
  process.send?.(await keep(job), () => process.exit())
}

process.once('message', (job: KeeperJob) => void answerJob(job))
