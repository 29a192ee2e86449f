import { HOUR, type Millis, MINUTE } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import { repeated, type Worker } from '../ports/worker.ts'
import type { Grant } from './grant.ts'

/** How often a sign-in is looked at that nobody may use for days. */
const LOOK: Millis = HOUR

/**
 * Keeps a sign-in from lapsing though its tokens are not used: looks every hour. A renewal that failed is tried again after a minute,
 * then after twice that, up to an hour. A sign-in that has ended is reported as `needs_reauth`.
 */
export const keepAlive = (grant: Pick<Grant, 'keepAlive'>, { clock }: { readonly clock: Clock }): Worker => ({
  run: (signal, observer) =>
    repeated(
      async () => {
        await grant.keepAlive({ actor: 'keeper' })
        return LOOK
      },
      { clock, signal, observer, firstMs: MINUTE, longestMs: HOUR },
    ),
})
