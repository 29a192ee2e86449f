import {
  type Connection,
  connection,
  type ConnectionOptions,
  type ConnectionPorts,
  memoryStore,
  resolveHosts,
  Secret,
  type Store,
} from '@guestpass/core'
import { why, type WhyQuestion } from '@guestpass/core/runtime-kit'
import { nodePorts } from '@guestpass/core/node'
import { type FakeClock, fakeClock, seededRandom } from '@guestpass/core/testing'
import { type Fault, type Sandbox, sandbox } from '@guestpass/sandbox'

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

interface Site {
  readonly clock: FakeClock
  readonly upstream: Sandbox
  readonly ports: Omit<ConnectionPorts, 'store' | 'clock'>
  /** How many incidents began. Each has an address of its own. */
  begun: number
}

/** A sandbox and a clock that all incidents share: each has a store and connections of its own. */
export async function incidentSite() {
  const clock = fakeClock()
  const upstream = await sandbox({ now: () => clock.wall(), rateLimit: { perMinute: 6_000 } })
  const node = nodePorts()
  const site: Site = { clock, upstream, ports: { ...node, random: { ...seededRandom(), float: () => 0 } }, begun: 0 }
  return {
    start: () => startIncident(site),
    async close() {
      await upstream.close()
      await node.close()
    },
  }
}

export type Incident = ReturnType<typeof startIncident>

function startIncident(site: Site) {
  const { clock, upstream, ports } = site
  site.begun += 1
  upstream.script([])
  const store: Store = memoryStore({ clock })
  const connect = (more: Partial<ConnectionOptions> = {}, own: Partial<ConnectionPorts> = {}): Promise<Connection> =>
    connection(
      {
        hosts: resolveHosts({ oauthBaseUrl: upstream.url, apiBaseUrl: upstream.url }),
        client: {
          id: upstream.env['GENESYS_CLIENT_ID'] ?? '',
          secret: new Secret(upstream.env['GENESYS_CLIENT_SECRET'] ?? ''),
        },
        policy: { retry: { retries: 0 } },
        ...more,
      },
      { ...ports, clock, store, holder: ports.random.uuid(), ...own },
    )
  return {
    clock,
    upstream,
    store,
    ports,
    connect,
    guests: async (more?: Partial<ConnectionOptions>, own?: Partial<ConnectionPorts>) =>
      (await connect(more, own)).guests,
    script: (on: string, effect: Fault['do'], times = 1) => upstream.script([{ on, do: effect, times }]),
    why: (question: WhyQuestion) => why('default', question, store),
    ask: (guestId: string) => why('default', { guestId }, store),
    person: {
      api: 'engagements' as const,
      email: `test-person-${site.begun}@example.com`,
      consent: true as const,
      channelId: upstream.channelId,
      assurance: 'verified' as const,
    },
  }
}

/** A store whose process may be killed: then no call of it ends any more. */
export function killableStore(store: Store) {
  let isKilled = false
  const calls = Object.entries(store).map(([name, call]: [string, unknown]) => [
    name,
    typeof call === 'function'
      ? (...given: unknown[]) => (isKilled ? new Promise(() => {}) : (call as (...all: unknown[]) => unknown)(...given))
      : call,
  ])
  return { store: Object.fromEntries(calls) as Store, kill: () => void (isKilled = true) }
}

/** A call that is expected to fail. Resolves to its error. */
export const failed = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => {
      throw new Error('The call was expected to fail.')
    },
    (thrown: Error) => thrown,
  )
