import type { Context } from '../../domain/context.ts'
import type { GuestCredential, GuestWithTokens, TokenSet } from '../../domain/credential.ts'
import { type EventContext, eventContext } from '../../domain/events/event-parts.ts'
import {
  type GuestTokenEvent,
  refreshFailed,
  refreshStarted,
  tokenFailed,
  tokenRequested,
} from '../../domain/events/guest-tokens.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { type Instant, iso, tenth } from '../../domain/time.ts'
import type { Meter } from '../../ports/meter.ts'
import type { Random } from '../../ports/random.ts'
import type { TokenFailure } from '../../tokens/access/event-recorder.ts'
import type { TokenListener, Listeners, TokenReady } from './listeners.ts'
import { guestIds, redactIds } from './redact-ids.ts'

export interface GuestEventRecorderParts {
  readonly connection: string
  readonly meter: Meter
  readonly random: Random
  /** Called with every token. */
  readonly listeners: Listeners
}

/** A token of a guest that is stored. */
interface StoredToken extends Pick<TokenReady, 'kind' | 'claims' | 'latencyMs'> {
  readonly credential: GuestWithTokens
}

/** Makes the events of guests that the caller stores, calls listeners, and counts. */
export interface GuestEventRecorder {
  /** Gives what all events of one request share. */
  about(credential: GuestCredential, context?: Context): EventContext
  /**
   * Makes the event of a token that is about to be requested. `keyGone`: because the current keys refuse the present one.
   */
  initiated(credential: GuestCredential, about: EventContext, now: Instant, keyGone?: boolean): GuestTokenEvent
  /** Makes the event of a token request that failed, and counts it. */
  failed(credential: GuestCredential, failure: TokenFailure): GuestTokenEvent
  /** Makes the event of a token from outside that was refused for a refresh, and counts it. */
  refused(credential: GuestCredential, failure: TokenFailure): GuestTokenEvent
  /** Counts a token that was stored, and calls all listeners. */
  announce(made: StoredToken): void
  /** Calls the listener of one call. `made.kind` counts only if this process did not make the token. */
  notifyCaller(listener: TokenListener, made: StoredToken): void
}

export function createGuestEventRecorder({
  connection,
  meter,
  random,
  listeners,
}: GuestEventRecorderParts): GuestEventRecorder {
  const tally = { issued: 0, failed: 0 }
  /** Whether each token that this process made was issued or refreshed. */
  const kinds = new WeakMap<TokenSet, TokenReady['kind']>()
  const successRate = (): number => tenth((100 * tally.issued) / Math.max(1, tally.issued + tally.failed))
  const failed = (
    event: typeof tokenFailed | typeof refreshFailed,
    counter: string,
    guest: GuestCredential,
    { about, error, now, latencyMs }: TokenFailure,
  ): GuestTokenEvent => {
    tally.failed += 1
    meter.count(counter)
    const shown = redactIds(error, guest.subject, guestIds(guest))
    return event(about, { id: random.uuid(), at: now, guest, error: shown, latencyMs })
  }

  return {
    about: ({ subject }, context = {}) => eventContext({ connection, subject }, context, random),
    initiated(guest, about, now, keyGone = false) {
      const event = isRefresh(guest) ? refreshStarted : tokenRequested
      return event(about, { id: random.uuid(), at: now, guest, keyGone })
    },
    failed: (credential, failure) =>
      isRefresh(credential)
        ? failed(refreshFailed, 'guest_refresh_failed', credential, failure)
        : failed(tokenFailed, 'guest_token_failed', credential, failure),
    refused: (credential, failure) => failed(refreshFailed, 'guest_refresh_failed', credential, failure),
    announce(made) {
      tally.issued += 1
      kinds.set(made.credential.tokens, made.kind)
      listeners.notify(readyOf(made, successRate()), made.credential.tokens.access)
    },
    notifyCaller(listener, made) {
      const { tokens } = made.credential
      listeners.call(listener, readyOf({ ...made, kind: kinds.get(tokens) ?? made.kind }, successRate()), tokens.access)
    },
  }
}

const readyOf = ({ credential, kind, claims, latencyMs }: StoredToken, successRate: number): TokenReady => ({
  guestId: guestIdOf(credential),
  kind,
  generation: credential.generation,
  tokenIssuedAt: iso(credential.tokens.sentAt),
  latencyMs: tenth(latencyMs),
  successRate,
  claims,
})

const isRefresh = ({ intent }: Pick<GuestCredential, 'intent'>): boolean =>
  intent?.action === 'refresh' || intent?.action === 'last_resort'
