import type { Clock } from '../ports/clock.ts'
import type { Http } from '../ports/http.ts'
import type { Random } from '../ports/random.ts'
import { systemClock, systemRandom } from '../ports/system.ts'
import type { Platform } from '../verify/platform.ts'
import { webPlatform } from '../verify/web-crypto.ts'
import { webHttp } from './http.ts'

/** The ports of a browser that a connection needs beside its store. */
export interface WebPorts {
  readonly clock: Clock
  readonly random: Random
  readonly http: Http
  readonly platform: Platform
}

/**
 * Makes the ports of a browser, a worker or another runtime with web APIs: clock, random numbers, HTTP and
 * crypto. Browsers have crypto on secure origins only.
 *
 * @example
 * ```ts
 * import { connection, memoryStore, resolveHosts, webPorts } from '@guestpass/core'
 *
 * const ports = { ...webPorts(), store: memoryStore() }
 * const hosts = resolveHosts({ region: 'mypurecloud.com' })
 * const { signIn } = await connection({ hosts, client: { id: 'public-client' } }, ports)
 * console.log(typeof signIn.begin)
 * ```
 */
export const webPorts = (): WebPorts => ({
  clock: systemClock(),
  random: systemRandom(),
  http: webHttp(),
  platform: webPlatform(),
})
