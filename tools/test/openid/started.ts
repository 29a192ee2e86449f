import { type Clock, type Connection, type ConnectionOptions, memoryStore } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { onTestFinished } from 'vitest'
import { connected } from '../../openid/product.ts'
import { type Openid, openid, type OpenidOptions } from '../../openid/provider.ts'

/** A provider that stops when its test ends. */
export async function started(options?: OpenidOptions): Promise<Openid> {
  const provider = await openid(options)
  onTestFinished(() => provider.stop())
  return provider
}

/** How long a device waits between two questions where the provider does not say: five seconds. */
const INTERVAL = 5_000

/** A connection to it with a store of its own. */
export const connect = (provider: Openid, options: Omit<ConnectionOptions, 'hosts'>): Promise<Connection> =>
  connectBy(provider, options, ({ clock }) => clock)

/** The same, where a device waits a tenth of its interval. Time-outs that are as long are as short then. */
export const connectDevice = (provider: Openid, options: Omit<ConnectionOptions, 'hosts'>): Promise<Connection> =>
  connectBy(provider, options, ({ clock }) => ({
    ...clock,
    sleep: (ms, signal) => clock.sleep(ms === INTERVAL ? ms / 10 : ms, signal),
  }))

async function connectBy(
  { issuer }: Openid,
  options: Omit<ConnectionOptions, 'hosts'>,
  clockOf: (ports: Pick<ReturnType<typeof nodePorts>, 'clock'>) => Clock,
): Promise<Connection> {
  const { close, ...ports } = nodePorts()
  onTestFinished(() => close())
  const clock = clockOf(ports)
  return connected(issuer, options, { ...ports, clock, store: memoryStore({ clock }) })
}
