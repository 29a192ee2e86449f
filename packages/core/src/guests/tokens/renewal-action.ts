import type { GuestCredential, Intent } from '../../domain/credential.ts'
import { DAY, isInForce, type Instant, type Millis, MINUTE } from '../../domain/time.ts'

/** How long after it expired the upstream still refreshes a guest token. */
export const REFRESH_GRACE: Millis = 5 * MINUTE
/** How long the upstream knows an Idempotency-Key. An older one is never sent again. */
const KEY_LIFE: Millis = DAY

/**
 * How to get a guest's next token. `repeat`: repeat the stored refresh, which may have been sent. `refresh`:
 * send a new refresh. `mint`: request a new token, because the upstream would refuse to refresh.
 */
type RenewalAction = 'repeat' | 'refresh' | 'mint'

/** Decides from plain data; `now` is the store's time. */
export function renewalAction(
  { tokens, intent }: Pick<GuestCredential, 'tokens' | 'intent'>,
  now: Instant,
): RenewalAction {
  // After the decision to mint, the key of the failed refresh is gone, and a second refresh could take effect
  // twice.
  if (intent?.action === 'mint') return 'mint'
  if (intent?.action === 'refresh') return isKeyKnown(intent, now) ? 'repeat' : 'mint'
  return tokens && now < tokens.expiresAt + REFRESH_GRACE ? 'refresh' : 'mint'
}

/** Whether the upstream still knows the Idempotency-Key: then a repeat cannot take effect twice. */
export const isKeyKnown = ({ startedAt }: Intent, now: Instant): boolean =>
  isInForce(startedAt + KEY_LIFE, KEY_LIFE, now)
