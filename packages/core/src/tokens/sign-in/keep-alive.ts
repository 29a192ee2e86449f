import { checkOptions, objectWithMethods, required, object } from '../../domain/options.ts'
import { HOUR, type Millis, MINUTE } from '../../domain/time.ts'
import * as schemas from '../../ports/schemas.ts'
import type { Clock } from '../../ports/clock.ts'
import { repeatUntilAborted, type Worker } from '../../ports/worker.ts'
import type { Grant } from './grant.ts'

/** How often a sign-in is looked at that nobody may use for days. */
const LOOK: Millis = HOUR

const grantSchema = required(objectWithMethods('a sign-in', ['keepAlive'], 'Give the grant of a connection.'))
const portsSchema = object<{ clock: Clock }>({ clock: required(schemas.clock) }, { open: true })

/**
 * Keeps a sign-in from lapsing though its tokens are not used: looks every hour. A renewal that failed is tried again after a minute,
 * then after twice that, up to an hour. A sign-in that has ended is reported as `needs_reauth`. Throws
 * `config_invalid` for wrong options.
 */
export function keepAlive(grant: Pick<Grant, 'keepAlive'>, ports: { readonly clock: Clock }): Worker {
  checkOptions('keepAlive', ['grant', grant, grantSchema], ['ports', ports, portsSchema])
  const { clock } = ports
  return {
    run: (signal, observer) =>
      repeatUntilAborted(
        async () => {
          await grant.keepAlive({ actor: 'keeper' })
          return LOOK
        },
        { clock, signal, observer, firstMs: MINUTE, longestMs: HOUR },
      ),
  }
}
