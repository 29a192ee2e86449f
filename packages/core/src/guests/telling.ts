import type { Context } from '../domain/context.ts'
import type { Credential } from '../domain/credential.ts'
import { type About, aboutOf, type Event, event } from '../domain/event.ts'
import { guestIdOf } from '../domain/guest-id.ts'
import type { Instant } from '../domain/time.ts'
import type { GuestpassError } from '../errors.ts'
import type { Meter } from '../ports/meter.ts'
import type { Random } from '../ports/random.ts'
import { type Listener, listeners } from './listeners.ts'
import type { Obtained } from './obtain.ts'
import { idsOf, withoutIds } from './without-ids.ts'

export interface TellingParts {
  readonly connection: string
  readonly meter: Meter
  readonly random: Random
  /** Told about listeners that threw. Default: they are counted. */
  readonly onListenerFault?: (fault: unknown) => void
}

/** Words what happens to guests: events for what is stored, calls for those who listen, counters. */
export interface Telling {
  /** What all events of one request share. */
  about(credential: Credential, context?: Context): About
  /** A token is about to be asked for. */
  initiated(credential: Credential, about: About, now: Instant): Event
  /** It could not be had; counted. */
  failed(credential: Credential, about: About, error: GuestpassError, now: Instant): Event
  /** A token that is held outside was not taken for a refresh; counted. */
  refused(credential: Credential, about: About, error: GuestpassError, now: Instant): Event
  /** It is there, and stored. */
  announce(made: Obtained, at: Instant): void
  onTokenReady(listener: Listener): () => void
}

export function telling({ connection, meter, random, onListenerFault }: TellingParts): Telling {
  const ready = listeners(onListenerFault ?? (() => meter.count('listener_failed')))
  const tally = { issued: 0, failed: 0 }
  const told = ({ generation, intent, api }: Credential) => ({
    generation,
    data: { api, ...(intent?.action === 'last_resort' ? { lastResort: true } : {}) },
    ...(intent && isRefresh({ intent }) ? { idempotencyKey: intent.id } : {}),
  })

  return {
    about: ({ subject }, context = {}) => aboutOf({ connection, subject }, context, random),
    initiated(credential, about, now) {
      const type = isRefresh(credential) ? 'REFRESH_INITIATED' : 'TOKEN_REQUEST_INITIATED'
      return event(about, random.uuid(), now, { type, outcome: 'pending', ...told(credential) })
    },
    failed(credential, about, error, now) {
      tally.failed += 1
      meter.count(isRefresh(credential) ? 'guest_refresh_failed' : 'guest_token_failed')
      const type = isRefresh(credential) ? 'REFRESH_FAILED' : 'TOKEN_FAILED'
      const shown = withoutIds(error, credential.subject, idsOf(credential))
      return event(about, random.uuid(), now, { type, outcome: 'failure', error: shown, ...told(credential) })
    },
    refused(credential, about, error, now) {
      tally.failed += 1
      meter.count('guest_refresh_failed')
      const shown = withoutIds(error, credential.subject, idsOf(credential))
      return event(about, random.uuid(), now, {
        type: 'REFRESH_FAILED',
        outcome: 'failure',
        error: shown,
        ...told(credential),
      })
    },
    announce({ credential, claims, latencyMs }, tokenIssuedAt) {
      tally.issued += 1
      const successRate = tally.issued / (tally.issued + tally.failed)
      ready.tell({
        guestId: guestIdOf(credential),
        token: credential.tokens.access,
        tokenIssuedAt,
        latencyMs,
        successRate,
        claims,
      })
    },
    onTokenReady: ready.add,
  }
}

const isRefresh = ({ intent }: Pick<Credential, 'intent'>): boolean =>
  intent?.action === 'refresh' || intent?.action === 'last_resort'
