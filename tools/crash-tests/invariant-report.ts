import type { Event } from '@guestpass/core'
import type { Credential } from '@guestpass/core/store-kit'
import type { JournalEntry } from '@guestpass/sandbox'

/** A token that was handed out: printed by a worker, or returned to this process, or read in the store. */
export interface Acknowledged {
  readonly guestId: string
  readonly generation: number
  readonly token: string
}

/**
 * What is known at a moment. While workers run it must be gathered in the order of the members: what upstream did is in the
 * store by then, as a note or as tokens.
 */
export interface Evidence {
  readonly acknowledged: readonly Acknowledged[]
  /** The requests that upstream saw. */
  readonly journal: readonly JournalEntry[]
  readonly credentials: readonly Credential[]
  readonly events: readonly Event[]
}

export interface InvariantReport {
  /** Refreshes that took effect upstream. */
  readonly effects: number
  /** Refreshes whose tokens the store has. */
  readonly completed: number
  /** Refreshes that took effect and whose key is still in the store, so that they will be repeated. */
  readonly open: number
  /** Refreshes whose token had ended when it was received, or whose key was too old to be sent again, which the audit says. */
  readonly late: number
  /** Acknowledged tokens that the store does not have and has not replaced by a later generation. */
  readonly lost: readonly string[]
  /** Guests whose refreshes took effect twice. */
  readonly doubled: readonly { readonly guestId: string; readonly said: string }[]
  /** Generations that no event records, or several do; refreshes completed that never took effect. */
  readonly untrue: readonly string[]
  /** Tokens that ended before the next one came. */
  readonly lapses: readonly Lapse[]
}

/** How long a token lived, and how long the guest was without one after it; milliseconds. */
export interface Lapse {
  readonly lifeMs: number
  readonly gapMs: number
}

interface Effect {
  readonly key: string
  /** When the token was made. */
  readonly at: number
}

/** Everything about one guest. */
interface Case {
  readonly credential: Credential
  readonly effects: readonly Effect[]
  readonly events: readonly Event[]
}

export function invariantReport(evidence: Evidence): InvariantReport {
  const cases = casesOf(evidence)
  const sum = (count: (one: Case) => number): number => cases.reduce((total, one) => total + count(one), 0)
  return {
    effects: sum(({ effects }) => effects.length),
    completed: sum((one) => completed(one).length),
    open: sum((one) => (openKey(one) ? 1 : 0)),
    late: sum((one) => lateKeys(one).length),
    lost: [...lost(evidence), ...contradictions(evidence)],
    doubled: cases.flatMap(doubled),
    untrue: cases.flatMap(untrue),
    lapses: cases.flatMap(lapsesOf),
  }
}

function casesOf({ journal, credentials, events }: Evidence): readonly Case[] {
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

const completed = ({ events }: Case): readonly Event[] => events.filter(({ type }) => type === 'REFRESH_COMPLETED')

/** The key in the store that will be sent again, if upstream has acted on it. */
const openKey = ({ credential: { intent }, effects }: Case): string | undefined =>
  intent?.action === 'refresh' ? effects.find(({ key }) => key === intent.id)?.key : undefined

const lateKeys = (one: Case): readonly string[] => {
  const settled = new Set([...completed(one).map((event) => event.idempotencyKey), openKey(one)])
  const failed = one.events.filter(
    ({ type, error }) =>
      type === 'REFRESH_FAILED' && (error?.reason === 'expired' || error?.code === 'refresh_impossible'),
  )
  const keys = new Set(failed.map((event) => event.idempotencyKey))
  return one.effects.map(({ key }) => key).filter((key) => keys.has(key) && !settled.has(key))
}

/** Refreshes that took effect and that nothing accounts for; and what was done twice under one key or for one generation. */
function doubled(one: Case): InvariantReport['doubled'] {
  const { credential, effects, events } = one
  const late = new Set(lateKeys(one))
  const unaccounted = effects.length - completed(one).length - late.size - (openKey(one) ? 1 : 0)
  const generations = new Map(
    events.filter(({ type }) => type === 'REFRESH_INITIATED').map((event) => [event.idempotencyKey, event.generation]),
  )
  const counted = effects.filter(({ key }) => !late.has(key))
  const byKey = repeats(effects.map(({ key }) => key))
  const byGeneration = repeats(counted.map(({ key }) => generations.get(key)).filter((known) => known !== undefined))
  const count = Math.max(unaccounted, byKey, byGeneration)
  if (count <= 0) return []
  const said = `guest ${credential.id}: ${effects.length} refreshes took effect, ${count} of them too many`
  return [{ guestId: credential.id, said }]
}

const repeats = (values: readonly unknown[]): number => values.length - new Set(values).size

function lost({ acknowledged, credentials }: Evidence): readonly string[] {
  const stored = new Map(credentials.map((credential) => [credential.id, credential]))
  return acknowledged.flatMap(({ guestId, generation, token }) => {
    const held = stored.get(guestId)
    if (held && held.generation > generation) return []
    if (held?.generation === generation && held.tokens?.access.reveal() === token) return []
    return [
      `guest ${guestId}: generation ${generation} was acknowledged, the store has ${held?.generation ?? 'nothing'}`,
    ]
  })
}

/** Two tokens acknowledged as the same generation: one of them is gone. */
function contradictions({ acknowledged }: Evidence): readonly string[] {
  const same = Map.groupBy(acknowledged, ({ guestId, generation }) => `guest ${guestId}: generation ${generation}`)
  return [...same]
    .filter(([, tokens]) => new Set(tokens.map(({ token }) => token)).size > 1)
    .map(([which]) => `${which} was acknowledged with different tokens`)
}

type Success = Extract<Event, { readonly type: 'REFRESH_COMPLETED' | 'TOKEN_GENERATED_SUCCESS' }>

const successes = ({ events }: Case): readonly Success[] =>
  events
    .filter((event) => event.type === 'REFRESH_COMPLETED' || event.type === 'TOKEN_GENERATED_SUCCESS')
    .toSorted((one, other) => one.generation - other.generation)

function untrue(one: Case): readonly string[] {
  const { id, generation } = one.credential
  const recorded = successes(one).map((event) => event.generation)
  const gaps = recorded.some((made, at) => made !== at + 1) || recorded.length < generation
  const known = new Set(one.effects.map(({ key }) => key))
  const unfounded = completed(one).filter(({ idempotencyKey = '' }) => !known.has(idempotencyKey)).length
  return [
    ...(gaps ? [`guest ${id}: the events record generations ${recorded.join(' ')}, the store has ${generation}`] : []),
    ...(unfounded > 0 ? [`guest ${id}: ${unfounded} refreshes completed that took no effect`] : []),
  ]
}

function lapsesOf(one: Case): readonly Lapse[] {
  const made = new Map(one.effects.map(({ key, at }) => [key, at]))
  const all = successes(one)
  return all.flatMap((event, at) => {
    const next = all[at + 1]
    const lifeMs = Number(event.data.durationSeconds) * 1_000
    const end = (made.get(event.idempotencyKey ?? '') ?? event.at) + lifeMs
    return next && next.at > end ? [{ lifeMs, gapMs: next.at - end }] : []
  })
}
