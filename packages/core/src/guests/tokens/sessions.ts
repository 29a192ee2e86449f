import type { Context } from '../../domain/context.ts'
import type { Credential } from '../../domain/credential.ts'
import type { Ask, Windows } from '../../domain/plan.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { lanes } from '../../policy/lanes.ts'
import { type Current, type Renewal, renewal, type RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { Order, Renewed, Strategy } from '../../tokens/renewal/strategy.ts'
import { unknownGuest } from '../requests/locate.ts'
import type { Telling } from '../events/event-recorder.ts'
import type { Way } from './renewal-strategy.ts'

export interface SessionsParts {
  readonly connection: string
  /** By API. */
  readonly ways: Readonly<Record<string, Way>>
  readonly telling: Telling
  readonly windows: Windows
}

/** The guests' tokens over time. */
export interface Sessions {
  /** The guest with a token that is valid now, renewed if due. Rejects with `guest_unknown`, `guest_revoked`, … */
  current(guestId: string, ask: Ask, context?: Context): Promise<Current>
}

/** Renews guest tokens, each in the way of the API that it is of. */
export function sessions(parts: SessionsParts, ports: RenewalPorts): Sessions {
  const { connection } = parts
  /** The renewals of the guests asked for lately, so that callers share one and what failed is not repeated for each. */
  const known = lanes((): { renewal?: Renewal } => ({}), { busy: ({ renewal }) => renewal?.busy ?? false })
  return {
    current(guestId, ask, context) {
      const lane = known({ connection, lane: guestId })
      lane.renewal ??= renewal({ connection, id: guestId }, guestStrategy(parts, guestId), ports)
      return lane.renewal.current(ask, context)
    },
  }
}

/** The strategy of one guest: that of its API, with the events of guests. */
const guestStrategy = (parts: SessionsParts, id: string): Strategy => {
  const { connection, telling, windows } = parts
  return {
    windows,
    spends: (credential) => wayOf(parts, credential).spends,
    about: telling.about,
    blank() {
      throw unknownGuest(connection, id)
    },
    prepare(credential, now) {
      const way = wayOf(parts, credential)
      way.available()
      return way.prepare(credential, now)
    },
    renew: (order) => renewed(parts, order),
    afterFailure: (prepared, error, now) => wayOf(parts, prepared.credential).afterFailure(prepared, error, now),
    begun(before, after, about, now) {
      const begins = after.intent && after.intent.id !== before.intent?.id
      const isGivenUp = before.intent?.action === 'refresh' && after.intent?.action === 'mint'
      const since = { about, now, latencyMs: Math.max(0, now - (before.intent?.startedAt ?? now)) }
      const isLeft = after.standing === 'in_doubt' && before.standing !== 'in_doubt'
      return [
        ...(isLeft ? [telling.failed(before, { error: LEFT, ...since })] : []),
        ...(isGivenUp ? [telling.failed(before, { error: GIVEN_UP, ...since })] : []),
        ...(begins ? [telling.initiated(after, about, now)] : []),
      ]
    },
    failed: ({ before, ...failure }) => [telling.failed(before, failure)],
  }
}

function wayOf({ ways }: SessionsParts, { id, api }: Credential): Way {
  const way = ways[api]
  if (way) return way
  throw new GuestpassError('refresh_impossible', `Guest ${id} is of the API ${api}, which nothing here renews.`)
}

async function renewed(parts: SessionsParts, order: Order): Promise<Renewed> {
  const { telling } = parts
  const { about, credential, now } = order
  const started = now()
  const made = await wayOf(parts, credential).renew(order)
  if (made.fault) {
    const failure = { error: made.fault, about, now: now(), latencyMs: now() - started }
    return { ...made, events: [telling.failed(credential, failure)] }
  }
  const { claims, latencyMs } = made
  const kind = credential.intent?.action === 'mint' ? 'issued' : 'refreshed'
  return { ...made, done: (stored) => telling.announce({ credential: stored, kind, claims, latencyMs }) }
}

const GIVEN_UP = new GuestpassError(
  'refresh_impossible',
  'The Idempotency-Key of the refresh is too old, or its age is not known: it is not sent again, and a new token is minted.',
)

const LEFT = new GuestpassError('in_doubt', 'The answer to a refresh was lost: the process that asked is gone.')
