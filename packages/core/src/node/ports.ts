import { uptime } from 'node:os'
import { checkOptions } from '../domain/options.ts'
import { SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import { systemClock, systemRandom } from '../ports/system.ts'
import type { Platform } from '../verify/platform.ts'
import { nodePlatform } from './crypto.ts'
import { type NodeHttp, nodeHttp, nodeHttpSchema, type NodeHttpOptions } from './http.ts'

/** The ports of Node that a connection needs beside its store. */
export interface NodePorts extends NodeHttp {
  readonly clock: Clock
  readonly random: Random
  readonly platform: Platform
}

/**
 * Makes the ports of Node: clock, random numbers, HTTP and crypto.
 *
 * @param options how HTTP connects, see `NodeHttpOptions`
 * @returns the ports; close them at the end
 *
 * Throws `config_invalid` for wrong options, and when a variable is not the address of a proxy.
 *
 * @example
 * ```ts
 * import { connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 *
 * const ports = { ...nodePorts(), store: memoryStore() }
 * const client = { id: 'my-client', secret: new Secret('my-secret') }
 * const { guests } = await connection({ hosts: resolveHosts({ region: 'mypurecloud.com' }), client }, ports)
 * console.log(typeof guests.issue)
 * await ports.close()
 * ```
 */
export function nodePorts(options: NodeHttpOptions = {}): NodePorts {
  checkOptions('nodePorts', ['options', options, nodeHttpSchema])
  return {
    clock: { ...systemClock(), uptime: () => uptime() * SECOND },
    random: systemRandom(),
    platform: nodePlatform(),
    ...nodeHttp(options),
  }
}
