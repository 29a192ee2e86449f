import { type Connection, type ConnectionOptions, memoryStore } from '@guestpass/core'
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

/** A connection to it with a store of its own; the interval of a device takes a hundredth of its time. */
export async function connect({ issuer }: Openid, options: Omit<ConnectionOptions, 'hosts'>): Promise<Connection> {
  const { close, ...ports } = nodePorts()
  onTestFinished(() => close())
  const { clock } = ports
  const hurried = {
    ...clock,
    sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms === INTERVAL ? ms / 100 : ms, signal),
  }
  return connected(issuer, options, { ...ports, clock: hurried, store: memoryStore({ clock }) })
}
