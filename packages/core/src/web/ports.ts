import type { Clock } from '../ports/clock.ts'
import type { Http } from '../ports/http.ts'
import type { Random } from '../ports/random.ts'
import { systemClock, systemRandom } from '../ports/system.ts'
import type { Platform } from '../verify/platform.ts'
import { webPlatform } from '../verify/web-crypto.ts'
import { webHttp } from './http.ts'

/** Everything that a connection needs of a browser, on a secure origin; the store comes on top. */
export interface WebPorts {
  readonly clock: Clock
  readonly random: Random
  readonly http: Http
  readonly platform: Platform
}

export const webPorts = (): WebPorts => ({
  clock: systemClock(),
  random: systemRandom(),
  http: webHttp(),
  platform: webPlatform(),
})
