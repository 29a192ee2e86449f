import type { Context } from '../../domain/context.ts'
import type { Credential } from '../../domain/credential.ts'
import { type EventContext, eventContext } from '../../domain/events/event-parts.ts'
import { type AccessFailedData, type AccessTokenEvent, accessTokenFailed } from '../../domain/events/access-tokens.ts'
import type { Millis } from '../../domain/time.ts'
import type { Meter } from '../../ports/meter.ts'
import type { Random } from '../../ports/random.ts'
import type { FailedRenewal } from '../renewal/strategy.ts'

/** The facts of a failed token request that its event holds. */
export type TokenFailure = Pick<FailedRenewal, 'about' | 'error' | 'now' | 'latencyMs'>

/** Records what happens to access tokens: makes the events to store, and counts. */
export interface AccessEventRecorder {
  about(credential: Credential, context?: Context): EventContext
  /** Counts a request that failed, and makes its event. `requested`: the grant and the scopes of the request. */
  failed(credential: Credential, failure: TokenFailure, requested: AccessFailedData): AccessTokenEvent
  /** Counts a renewal. */
  renewed(latencyMs: Millis): void
}

export function createAccessEventRecorder(
  { connection, meter }: { readonly connection: string; readonly meter: Meter },
  random: Random,
): AccessEventRecorder {
  return {
    about: ({ subject }, context = {}) => eventContext({ connection, subject }, context, random),
    failed({ generation }, { about, error, now, latencyMs }, data) {
      meter.count('access_token_failed')
      return accessTokenFailed(about, { id: random.uuid(), at: now, generation, error, latencyMs, data })
    },
    renewed(latencyMs) {
      meter.count('access_token_renewed')
      meter.time('access_token_latency', latencyMs)
    },
  }
}
