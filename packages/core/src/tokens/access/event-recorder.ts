import type { Context } from '../../domain/context.ts'
import type { Credential } from '../../domain/credential.ts'
import { type About, aboutOf } from '../../domain/events/event-parts.ts'
import { type Event, event } from '../../domain/events/event.ts'
import type { Millis } from '../../domain/time.ts'
import type { Meter } from '../../ports/meter.ts'
import type { Random } from '../../ports/random.ts'
import type { FailedRenewal } from '../renewal/strategy.ts'

/** A request for a token that failed, for its event. */
export type TokenFailure = Pick<FailedRenewal, 'about' | 'error' | 'now' | 'latencyMs'>

/** Words what happens to the service's own access tokens: events for what is stored, counters. */
export interface AccessEventRecorder {
  about(credential: Credential, context?: Context): About
  /** A token could not be had; counted. `asked`: how it was asked for, and the scopes. */
  failed(
    credential: Credential,
    failure: TokenFailure,
    asked: { readonly grant: string; readonly asked: readonly string[] },
  ): Event
  /** Counts a renewal. */
  renewed(latencyMs: Millis): void
}

export function createAccessEventRecorder(
  { connection, meter }: { readonly connection: string; readonly meter: Meter },
  random: Random,
): AccessEventRecorder {
  return {
    about: ({ subject }, context = {}) => aboutOf({ connection, subject }, context, random),
    failed({ generation }, { about, error, now, latencyMs }, data) {
      meter.count('access_token_failed')
      const facts = { type: 'ACCESS_TOKEN_FAILED', outcome: 'failure', generation, error, latencyMs, data } as const
      return event(about, random.uuid(), now, facts)
    },
    renewed(latencyMs) {
      meter.count('access_token_renewed')
      meter.time('access_token_latency', latencyMs)
    },
  }
}
