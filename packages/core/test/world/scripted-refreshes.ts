import * as fc from 'fast-check'
import { HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import { answers, lostAfter, lostBefore, type ScriptedRefresh, slow } from './grant-server.ts'

/** What refreshes may meet at the authorization server. */
export const scriptedRefreshes = {
  lostBefore: () => lostBefore,
  lostAfter: () => lostAfter,
  busy: () => answers(429, {}, { 'retry-after': '2' }),
  failing: () => answers(503),
  gateway: () => answers(502),
  misconfigured: () => answers(400, { error: 'invalid_client' }),
  slow,
} satisfies Record<string, (clock: Parameters<typeof slow>[0]) => ScriptedRefresh>

export const anyScriptedRefresh = fc.constantFrom(
  ...(Object.keys(scriptedRefreshes) as (keyof typeof scriptedRefreshes)[]),
)

/** Some time that passes, up to the life of an access token. */
export const anyTime = fc.oneof(
  fc.integer({ min: 1, max: 5 * SECOND }),
  fc.constantFrom(MINUTE, 5 * MINUTE, 56 * MINUTE, HOUR),
)

/** Retries once, and never waits for a permit. */
export const impatient = {
  retry: { retries: 1 },
  limit: { perMinute: 60_000, burst: 1_000 },
  breaker: { atLeast: 1_000 },
}

/** The codes of what a caller may get in the place of a token. */
export const excused = /^(upstream_|in_doubt|needs_reauth|client_rejected|deadline_exceeded)/
