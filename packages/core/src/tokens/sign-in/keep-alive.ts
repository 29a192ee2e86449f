import { checkOptions, objectWithMethods, required, object } from '../../domain/options.ts'
import { HOUR, type Millis, MINUTE } from '../../domain/time.ts'
import { asGuestpassError } from '../../domain/errors.ts'
import * as schemas from '../../ports/schemas.ts'
import type { Clock } from '../../ports/clock.ts'
import { repeatUntilAborted, type Worker } from '../../ports/worker.ts'
import type { Grant } from './grant.ts'

/** How often the sign-in is looked at: each look reads one row. */
const INTERVAL: Millis = 5 * MINUTE

const grantSchema = required(objectWithMethods('a sign-in', ['keepAlive'], 'Give the grant of a connection.'))
const portsSchema = object<{ clock: Clock }>({ clock: required(schemas.clock) }, { open: true })

/**
 * Makes a worker that keeps a user's sign-in from expiring while its tokens are not used. Run it in each
 * long-lived process of a connection with a sign-in. (`keeper` does the same for the tokens of guests.)
 *
 * It reads the sign-in every 5 minutes, and renews one that was not renewed for about 15 days. A renewal that
 * failed is retried after one minute, then after twice that, up to one hour. A sign-in that has ended is reported
 * to `observer.failed` as `needs_reauth` each time, until a user has signed in again.
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
        async (progress) => {
          try {
            await grant.keepAlive({ actor: 'keeper' })
            progress.succeeded()
          } catch (thrown) {
            // Nothing is sent for it, so that no back-off is needed: a new sign-in is noticed as soon as ever.
            if (asGuestpassError(thrown).code !== 'needs_reauth') throw thrown
            progress.failed(thrown)
          }
          return INTERVAL
        },
        { clock, signal, observer, firstMs: MINUTE, longestMs: HOUR },
      ),
  }
}
