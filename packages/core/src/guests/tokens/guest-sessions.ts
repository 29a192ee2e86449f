import type { Context } from '../../domain/context.ts'
import type { GuestCredential } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { endedError, hasEnded, type TokenCriteria, type RenewalWindows } from '../../domain/plan.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { createKeyedStates } from '../../policy/keyed-states.ts'
import { type CurrentCredential, type Renewal, createRenewal, type RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { RenewalCall, RenewalResult, RenewalStrategy } from '../../tokens/renewal/strategy.ts'
import { unknownGuest } from '../requests/locate.ts'
import type { GuestEventRecorder } from '../events/event-recorder.ts'
import type { GuestRenewalStrategy } from './renewal-strategy.ts'

interface GuestSessionsParts {
  readonly connection: string
  /** By API. */
  readonly strategies: Readonly<Record<string, GuestRenewalStrategy>>
  readonly recorder: GuestEventRecorder
  readonly windows: RenewalWindows
}

/** The sessions of guests: their tokens over time. */
export interface GuestSessions {
  /**
   * Gives the guest of a row with a token that is valid now, renewed if due. Rejects with `guest_unknown`,
   * `guest_revoked`, …
   */
  current(rowId: string, criteria: TokenCriteria, context?: Context): Promise<CurrentCredential<GuestCredential>>
}

/** Makes sessions whose guests are renewed by the strategy of their API. */
export function createGuestSessions(parts: GuestSessionsParts, ports: RenewalPorts): GuestSessions {
  const { connection } = parts
  /** The renewals of recently requested guests: callers share one, and a failure is not repeated for each. */
  const known = createKeyedStates((): { renewal?: Renewal<GuestCredential> } => ({}), {
    isBusy: ({ renewal }) => renewal?.busy ?? false,
  })
  return {
    current(rowId, criteria, context) {
      const state = known(connection, rowId)
      state.renewal ??= createRenewal({ connection, id: rowId }, guestStrategy(parts, rowId), ports)
      return state.renewal.current(criteria, context)
    },
  }
}

/** The strategy of one guest: that of its API, with the events of guests. */
const guestStrategy = (parts: GuestSessionsParts, id: string): RenewalStrategy<GuestCredential> => {
  const { connection, recorder, windows } = parts
  return {
    kind: 'guest',
    windows,
    isSingleUse: (credential) => strategyOf(parts, credential).isSingleUse,
    about: recorder.about,
    initial() {
      throw unknownGuest(connection, id)
    },
    prepare(credential, now) {
      const strategy = strategyOf(parts, credential)
      strategy.ensureAvailable()
      refuseRemoved(credential)
      return strategy.prepare(credential, now)
    },
    renew: (call) => renew(parts, call),
    afterFailure: (prepared, error, now) => strategyOf(parts, prepared.credential).afterFailure(prepared, error, now),
    startEvents(before, after, about, now, keyGone) {
      const isNew = after.intent && after.intent.id !== before.intent?.id
      const isReplaced = before.intent?.action === 'refresh' && after.intent?.action === 'mint'
      const since = { about, now, latencyMs: Math.max(0, now - (before.intent?.startedAt ?? now)) }
      const isAbandoned = after.status === 'in_doubt' && before.status !== 'in_doubt'
      return [
        ...(isAbandoned ? [recorder.failed(before, { error: ABANDONED, ...since })] : []),
        ...(isReplaced ? [recorder.failed(before, { error: GIVEN_UP, ...since })] : []),
        ...(isNew ? [recorder.initiated(after, about, now, keyGone)] : []),
      ]
    },
    failureEvents: ({ before, ...failure }) => [recorder.failed(before, failure)],
  }
}

/** Throws for a guest of which nothing is left to request a token with. */
function refuseRemoved(credential: GuestCredential): void {
  const { tokens, request, intent } = credential
  if (!tokens && !request && !intent) throw removedError(credential)
}

/** The error of a guest that has no row, or whose row was restored from what is left of it. */
export const removedError = (credential: GuestCredential): GuestpassError =>
  hasEnded(credential)
    ? endedError(credential)
    : new GuestpassError(
        'refresh_impossible',
        `Guest ${guestIdOf(credential)} cannot be renewed: its last token expired long ago, and what was known of it was removed. Issue a new token for it.`,
      )

function strategyOf({ strategies }: GuestSessionsParts, { id, api }: GuestCredential): GuestRenewalStrategy {
  const strategy = strategies[api]
  if (strategy) return strategy
  throw new GuestpassError(
    'refresh_impossible',
    `Guest ${id} cannot be renewed: this version does not know its API ${api}.`,
  )
}

async function renew(
  parts: GuestSessionsParts,
  call: RenewalCall<GuestCredential>,
): Promise<RenewalResult<GuestCredential>> {
  const { recorder } = parts
  const { about, credential, now } = call
  const started = now()
  const made = await strategyOf(parts, credential).renew(call)
  if (made.fault) {
    const failure = { error: made.fault, about, now: now(), latencyMs: now() - started }
    return { ...made, events: [recorder.failed(credential, failure)] }
  }
  const { claims, latencyMs } = made
  const kind = credential.intent?.action === 'mint' ? 'issued' : 'refreshed'
  return { ...made, onStored: (stored) => recorder.announce({ credential: stored, kind, claims, latencyMs }) }
}

const GIVEN_UP = new GuestpassError(
  'refresh_impossible',
  'The refresh is not sent again, because its Idempotency-Key is too old or of unknown age. A new token is minted.',
  { reason: 'key_too_old' },
)

const ABANDONED = new GuestpassError(
  'in_doubt',
  'The answer to a refresh was lost, because the process that sent it ended.',
  { reason: 'process_ended' },
)
