import { HOUR, type Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Grant } from './grant.ts'

/** How often a sign-in is looked at that nobody may use for days. */
const LOOK: Millis = HOUR

/** Keeps a sign-in from lapsing though nobody asks for its tokens, until the signal aborts; failures are the sign-in's own to remember. */
export async function keepAlive(
  grant: Pick<Grant, 'keepAlive'>,
  { clock }: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await grant.keepAlive({ actor: 'keeper' }).catch(() => {})
    await clock.sleep(LOOK, signal).catch(() => {})
  }
}
