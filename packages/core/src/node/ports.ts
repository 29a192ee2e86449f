import { uptime } from 'node:os'
import { checkOptions } from '../domain/options.ts'
import { SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Http } from '../ports/http.ts'
import type { Random } from '../ports/random.ts'
import { systemClock, systemRandom } from '../ports/system.ts'
import type { Platform } from '../verify/platform.ts'
import { nodePlatform } from './crypto.ts'
import { nodeHttp, nodeHttpSchema, type NodeHttpOptions } from './http.ts'

/** Everything that a connection needs of Node; the store comes on top. `close` ends the connections that are kept open. */
export interface NodePorts {
  readonly clock: Clock
  readonly random: Random
  readonly http: Http
  readonly platform: Platform
  close(): Promise<void>
}

/** The ports of Node. Throws `config_invalid` for wrong options, and when a variable names no proxy. */
export function nodePorts(options: NodeHttpOptions = {}): NodePorts {
  checkOptions('nodePorts', ['options', options, nodeHttpSchema])
  return {
    clock: { ...systemClock(), uptime: () => uptime() * SECOND },
    random: systemRandom(),
    platform: nodePlatform(),
    ...nodeHttp(options),
  }
}
