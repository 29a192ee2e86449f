import type { Credential, Intent } from '../domain/credential.ts'
import { DAY, type Instant, type Millis, MINUTE, SECOND } from '../domain/time.ts'

/** How long after its end upstream still refreshes a guest token. */
export const REFRESH_GRACE: Millis = 5 * MINUTE
/** How long upstream knows an Idempotency-Key; an older one is in doubt and never sent again. */
const KEY_LIFE: Millis = DAY
/** A key that claims to be written later than this after now comes from a clock that was ahead: its age is unknown. */
const FUTURE_TOLERANCE: Millis = 5 * SECOND

/**
 * How to get a guest's next token. `repeat`: by the refresh that was written down before and may have been sent. `refresh`: by a
 * new one. `mint`: by a new token, because there is none that upstream would refresh.
 */
export type NextStep = 'repeat' | 'refresh' | 'mint'

/** Decides from plain data; `now` is the store's time. */
export function nextStep({ tokens, intent }: Pick<Credential, 'tokens' | 'intent'>, now: Instant): NextStep {
  // Once it was decided to mint, the key of the refresh that failed before is gone, and a second one could take effect twice.
  if (intent?.action === 'mint') return 'mint'
  if (intent?.action === 'refresh') return isKnown(intent, now) ? 'repeat' : 'mint'
  return tokens && now < tokens.expiresAt + REFRESH_GRACE ? 'refresh' : 'mint'
}

/** Whether upstream still knows the Idempotency-Key, so that sending it again cannot make a refresh take effect twice. */
export function isKnown({ startedAt }: Intent, now: Instant): boolean {
  const age = now - startedAt
  return age >= -FUTURE_TOLERANCE && age < KEY_LIFE
}
