import type { Context } from '../domain/context.ts'
import type { Credential } from '../domain/credential.ts'
import { type About, aboutOf, type Event, event } from '../domain/event.ts'
import type { Instant, Millis } from '../domain/time.ts'
import type { GuestpassError } from '../errors.ts'
import type { Meter } from '../ports/meter.ts'
import type { Random } from '../ports/random.ts'

/** Words what happens to the service's own access tokens: events for what is stored, counters. */
export interface AccessTelling {
  about(credential: Credential, context?: Context): About
  /** A token could not be had; counted. */
  failed(credential: Credential, about: About, error: GuestpassError, now: Instant): Event
  /** Counts a renewal. */
  renewed(latencyMs: Millis): void
}

export function accessTelling(
  { connection, meter }: { readonly connection: string; readonly meter: Meter },
  random: Random,
): AccessTelling {
  return {
    about: ({ subject }, context = {}) => aboutOf({ connection, subject }, context, random),
    failed({ generation }, about, error, now) {
      meter.count('access_token_failed')
      const facts = { type: 'ACCESS_TOKEN_FAILED', outcome: 'failure', generation, error } as const
      return event(about, random.uuid(), now, facts)
    },
    renewed(latencyMs) {
      meter.count('access_token_renewed')
      meter.time('access_token_latency', latencyMs)
    },
  }
}
