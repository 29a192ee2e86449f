import type { GuestCredential, Intent } from '../../domain/credential.ts'
import { DAY, isInForce, type Instant, type Millis, MINUTE } from '../../domain/time.ts'

/** How long after its end upstream still refreshes a guest token. */
export const REFRESH_GRACE: Millis = 5 * MINUTE
/** How long upstream knows an Idempotency-Key; an older one is in doubt and never sent again. */
const KEY_LIFE: Millis = DAY

/**
 * How to get a guest's next token. `repeat`: by the refresh that was written down before and may have been sent. `refresh`: by a
 * new one. `mint`: by a new token, because there is none that upstream would refresh.
 */
export type RenewalAction = 'repeat' | 'refresh' | 'mint'

/** Decides from plain data; `now` is the store's time. */
export function renewalAction(
  { tokens, intent }: Pick<GuestCredential, 'tokens' | 'intent'>,
  now: Instant,
): RenewalAction {
  // Once it was decided to mint, the key of the refresh that failed before is gone, and a second one could take effect twice.
  if (intent?.action === 'mint') return 'mint'
  if (intent?.action === 'refresh') return isKeyKnown(intent, now) ? 'repeat' : 'mint'
  return tokens && now < tokens.expiresAt + REFRESH_GRACE ? 'refresh' : 'mint'
}

/** Whether upstream still knows the Idempotency-Key, so that sending it again cannot make a refresh take effect twice. */
export const isKeyKnown = ({ startedAt }: Intent, now: Instant): boolean =>
  isInForce(startedAt + KEY_LIFE, KEY_LIFE, now)
