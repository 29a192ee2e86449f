import type { Credential, Intent } from '../domain/credential.ts'
import { DAY, type Instant, type Millis, MINUTE } from '../domain/time.ts'

/** How long after its end upstream still refreshes a guest token. */
const REFRESH_GRACE: Millis = 5 * MINUTE
/** How long upstream knows an Idempotency-Key; an older one is in doubt and never sent again. */
const KEY_LIFE: Millis = DAY

/**
 * How to get a guest's next token. `repeat`: a refresh under the key that was written down before and may have been sent.
 * `refresh`: a new one. `mint`: a new token, because there is none that upstream would refresh.
 */
export type NextStep =
  | { readonly do: 'repeat'; readonly intent: Intent }
  | { readonly do: 'refresh' }
  | { readonly do: 'mint' }

/** Decides from plain data; `now` is the store's time. */
export function nextStep({ tokens, intent }: Pick<Credential, 'tokens' | 'intent'>, now: Instant): NextStep {
  if (intent?.action === 'refresh') {
    return now - intent.startedAt < KEY_LIFE ? { do: 'repeat', intent } : { do: 'mint' }
  }
  return tokens && now < tokens.expiresAt + REFRESH_GRACE ? { do: 'refresh' } : { do: 'mint' }
}
