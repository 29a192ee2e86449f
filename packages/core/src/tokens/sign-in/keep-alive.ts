import { checkOptions, objectWithMethods, required, object } from '../../domain/options.ts'
import { HOUR, type Millis, MINUTE } from '../../domain/time.ts'
import * as schemas from '../../ports/schemas.ts'
import type { Clock } from '../../ports/clock.ts'
import { repeatUntilAborted, type Worker } from '../../ports/worker.ts'
import type { Grant } from './grant.ts'

/** How often the sign-in is looked at. */
const INTERVAL: Millis = HOUR

const grantSchema = required(objectWithMethods('a sign-in', ['keepAlive'], 'Give the grant of a connection.'))
const portsSchema = object<{ clock: Clock }>({ clock: required(schemas.clock) }, { open: true })

/**
 * Makes a worker that keeps a user's sign-in from expiring while its tokens are not used. Run it in each
 * long-lived process of a connection with a sign-in. (`keeper` does the same for the tokens of guests.)
 *
 * It reads the sign-in every hour, and renews one that was not renewed for about 15 days. A renewal that
 * failed is retried after one minute, then after twice that, up to one hour. A sign-in that has ended is reported
 * to `observer.failed` as `needs_reauth`.
 *
 * `grant`: the one of a connection. `ports.clock`: its clock.
 *
 * Throws `config_invalid` for wrong arguments.
 *
 * @example
 * ```ts
 * import { keepAlive, connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 *
 * const ports = nodePorts()
 * const { grant } = await connection(
 *   {
 *     hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
 *     client: { id: 'my-client', secret: new Secret('my-secret') },
 *   },
 *   { ...ports, store: memoryStore() },
 * )
 * const work = new AbortController()
 * work.abort() // in a real program: when the process ends
 * await keepAlive(grant, ports).run(work.signal)
 * await ports.close()
 * ```
 */
export function keepAlive(grant: Pick<Grant, 'keepAlive'>, ports: { readonly clock: Clock }): Worker {
  checkOptions('keepAlive', ['grant', grant, grantSchema], ['ports', ports, portsSchema])
  const { clock } = ports
  return {
    run: (signal, observer) =>
      repeatUntilAborted(
        async () => {
          await grant.keepAlive({ actor: 'keeper' })
          return INTERVAL
        },
        { clock, signal, observer, firstMs: MINUTE, longestMs: HOUR },
      ),
  }
}
