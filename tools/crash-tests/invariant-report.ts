import type { Event } from '@guestpass/core'
import type { Credential } from '@guestpass/core/store-kit'
import type { JournalEntry } from '@guestpass/sandbox'

/** A token that was given out: a worker printed it, or this process got it or read it in the store. */
export interface Acknowledged {
  readonly guestId: string
  readonly generation: number
  readonly token: string
}

/**
 * What the invariants are checked on. While workers run, the members must be read in this order: the store
 * then has what the upstream did, as an intent or as tokens.
 */
export interface Evidence {
  readonly acknowledged: readonly Acknowledged[]
  /** The requests that the upstream received. */
  readonly journal: readonly JournalEntry[]
  readonly credentials: readonly Credential[]
  readonly events: readonly Event[]
}

export interface InvariantReport {
  /** Refreshes that took effect upstream. */
  readonly effects: number
  /** Refreshes whose tokens the store has. */
  readonly completed: number
  /** Refreshes that took effect and whose Idempotency-Key is still in the store: they will be repeated. */
  readonly open: number
  /**
   * Refreshes whose token had expired on receipt, whose key was too old to be sent again, or that another change of the
   * guest ended. An event says so.
   */
  readonly late: number
  /** Acknowledged tokens that the store neither has nor has replaced by a later generation. */
  readonly lostTokens: readonly string[]
  /** Guests of which a refresh took effect twice, with a line that says how often. */
  readonly doubledRefreshes: readonly { readonly guestId: string; readonly text: string }[]
  /** Generations that no event or several events record, and events of refreshes that never took effect. */
  readonly inconsistencies: readonly string[]
  /** Tokens that expired before the next one was stored. */
  readonly lapses: readonly Lapse[]
}

/** The lifetime of a token, and how long the guest was without one after it, in milliseconds. */
interface Lapse {
  readonly lifeMs: number
  readonly gapMs: number
}

interface Effect {
  readonly key: string
  /** When the token was made, in milliseconds since the epoch. */
  readonly at: number
}

/** The evidence about one guest. */
interface GuestEvidence {
  readonly credential: Credential
  readonly effects: readonly Effect[]
  readonly events: readonly Event[]
}

export function invariantReport(evidence: Evidence): InvariantReport {
  const guests = guestEvidence(evidence)
  const sum = (count: (one: GuestEvidence) => number): number => guests.reduce((total, one) => total + count(one), 0)
  return {
    effects: sum(({ effects }) => effects.length),
    completed: sum((one) => completed(one).length),
    open: sum((one) => (openKey(one) ? 1 : 0)),
    late: sum((one) => lateKeys(one).length),
    lostTokens: [...lostTokens(evidence), ...contradictions(evidence)],
    doubledRefreshes: guests.flatMap(doubledRefreshes),
    inconsistencies: guests.flatMap(inconsistencies),
    lapses: guests.flatMap(lapsesOf),
  }
}

function guestEvidence({ journal, credentials, events }: Evidence): readonly GuestEvidence[] {
  const effects = Map.groupBy(
    journal.filter(({ refreshes, replayed }) => refreshes !== undefined && !replayed),
    ({ guestId }) => guestId ?? '',
  )
  const bySubject = Map.groupBy(events, ({ subject }) => subject)
  return credentials.map((credential) => ({
    credential,
    effects: (effects.get(credential.id) ?? []).map(effectOf),
    events: bySubject.get(credential.subject) ?? [],
  }))
}

const effectOf = ({ headers, at, fault }: JournalEntry): Effect => ({
  key: headers['idempotency-key'] ?? '',
  at: Date.parse(at) + (fault && 'delayMs' in fault ? fault.delayMs : 0),
})

const completed = ({ events }: GuestEvidence): readonly Event[] =>
  events.filter(({ type }) => type === 'REFRESH_COMPLETED')

/** The key of the stored intent, if the upstream has acted on it. It will be sent again. */
const openKey = ({ credential: { intent }, effects }: GuestEvidence): string | undefined =>
  intent?.action === 'refresh' ? effects.find(({ key }) => key === intent.id)?.key : undefined

/** Reasons of failed refreshes by which the store has no token of theirs, whatever they did upstream. */
const notStored: ReadonlySet<string> = new Set(['expired', 'revoked', 'erased', 'superseded'])

const lateKeys = (one: GuestEvidence): readonly string[] => {
  const settled = new Set([...completed(one).map((event) => event.idempotencyKey), openKey(one)])
  const failed = one.events.filter(
    ({ type, error }) =>
      type === 'REFRESH_FAILED' && (error?.code === 'refresh_impossible' || notStored.has(error?.reason ?? '')),
  )
  const keys = new Set(failed.map((event) => event.idempotencyKey))
  return one.effects.map(({ key }) => key).filter((key) => keys.has(key) && !settled.has(key))
}

/**
 * Refreshes that took effect and that no event, intent or failure explains, or that share a key or a
 * generation.
 */
function doubledRefreshes(one: GuestEvidence): InvariantReport['doubledRefreshes'] {
  const { credential, effects, events } = one
  const late = new Set(lateKeys(one))
  const unaccounted = effects.length - completed(one).length - late.size - (openKey(one) ? 1 : 0)
  const generations = new Map(
    events.filter(({ type }) => type === 'REFRESH_INITIATED').map((event) => [event.idempotencyKey, event.generation]),
  )
  const counted = effects.filter(({ key }) => !late.has(key))
  const byKey = repetitions(effects.map(({ key }) => key))
  const byGeneration = repetitions(
    counted.map(({ key }) => generations.get(key)).filter((known) => known !== undefined),
  )
  const count = Math.max(unaccounted, byKey, byGeneration)
  if (count <= 0) return []
  const text = `guest ${credential.id} (${credential.status}): ${effects.length} refreshes took effect, ${count} of them too many`
  return [{ guestId: credential.id, text }]
}

const repetitions = (values: readonly unknown[]): number => values.length - new Set(values).size

function lostTokens({ acknowledged, credentials }: Evidence): readonly string[] {
  const stored = new Map(credentials.map((credential) => [credential.id, credential]))
  return acknowledged.flatMap(({ guestId, generation, token }) => {
    const found = stored.get(guestId)
    if (found && found.generation > generation) return []
    if (found?.generation === generation && found.tokens?.access.reveal() === token) return []
    return [
      `guest ${guestId}: generation ${generation} was acknowledged, the store has ${found?.generation ?? 'nothing'}`,
    ]
  })
}

/** Generations that were acknowledged with two tokens: one of them is lost. */
function contradictions({ acknowledged }: Evidence): readonly string[] {
  const same = Map.groupBy(acknowledged, ({ guestId, generation }) => `guest ${guestId}: generation ${generation}`)
  return [...same]
    .filter(([, tokens]) => new Set(tokens.map(({ token }) => token)).size > 1)
    .map(([which]) => `${which} was acknowledged with different tokens`)
}

type Success = Extract<Event, { readonly type: 'REFRESH_COMPLETED' | 'TOKEN_GENERATED_SUCCESS' }>

const successes = ({ events }: GuestEvidence): readonly Success[] =>
  events
    .filter((event) => event.type === 'REFRESH_COMPLETED' || event.type === 'TOKEN_GENERATED_SUCCESS')
    .toSorted((one, other) => one.generation - other.generation)

function inconsistencies(one: GuestEvidence): readonly string[] {
  const { id, generation } = one.credential
  const recorded = successes(one).map((event) => event.generation)
  const gaps = recorded.some((made, at) => made !== at + 1) || recorded.length < generation
  const known = new Set(one.effects.map(({ key }) => key))
  const withoutEffect = completed(one).filter(({ idempotencyKey = '' }) => !known.has(idempotencyKey)).length
  return [
    ...(gaps ? [`guest ${id}: the events record generations ${recorded.join(' ')}, the store has ${generation}`] : []),
    ...(withoutEffect > 0 ? [`guest ${id}: ${withoutEffect} refreshes completed that took no effect`] : []),
  ]
}

function lapsesOf(one: GuestEvidence): readonly Lapse[] {
  const made = new Map(one.effects.map(({ key, at }) => [key, at]))
  const all = successes(one)
  return all.flatMap((event, at) => {
    const next = all[at + 1]
    const lifeMs = Number(event.data.durationSeconds) * 1_000
    const end = (made.get(event.idempotencyKey ?? '') ?? event.at) + lifeMs
    return next && next.at > end ? [{ lifeMs, gapMs: next.at - end }] : []
  })
}
