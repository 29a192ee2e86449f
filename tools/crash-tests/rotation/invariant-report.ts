import type { Event } from '@guestpass/core'
import { type Credential, guestsIn } from '@guestpass/core/store-kit'
import type { JournalEntry } from '@guestpass/sandbox'
import type { Profile } from './test-environment.ts'
import type { Api } from './tested-connection.ts'

/** A token that a worker of a connection has printed. */
export interface Given {
  readonly connection: string
  /** `grant`, or the id of a guest. */
  readonly of: string
  readonly generation: number
  /** The digest of the token. */
  readonly token: string
}

/** The stored credentials and the events of a connection. */
interface ConnectionRecords {
  readonly name: string
  readonly api: Api
  readonly credentials: readonly Credential[]
  readonly events: readonly Event[]
}

interface Evidence {
  readonly given: readonly Given[]
  readonly journal: readonly JournalEntry[]
  readonly connections: readonly ConnectionRecords[]
}

export interface InvariantReport {
  /** Refreshes that took effect upstream. */
  readonly effects: number
  /** Refreshes whose tokens the store has. */
  readonly completed: number
  /** Refreshes whose access token had expired on receipt, as after a kill. Their refresh token is stored. */
  readonly late: number
  /** Lost answers that are recorded as in doubt. */
  readonly inDoubt: number
  /** Refresh tokens that were presented again as a declared last resort. */
  readonly lastResorts: number
  /** Sign-ins and guests that the upstream ended, and refreshes that another change of their guest ended. */
  readonly ended: number
  /** Refreshes whose answer the upstream repeated during its grace. */
  readonly replayed: number
  /** Requests that the upstream received and whose answer was lost. */
  readonly lostAnswers: number
  /** Refresh tokens that were presented again without an event that declares it. */
  readonly undeclared: number
  /** Refreshes that took effect and that neither the store nor an event has. */
  readonly silent: number
  /** The requests and events of each sign-in or guest with such a refresh, to find its cause. */
  readonly silences: readonly string[]
  /** Generations of a guest or sign-in with two tokens: two refreshes took effect. */
  readonly doubled: number
  /** Acknowledged tokens that the store neither has nor has replaced. */
  readonly lost: number
  /** The requests and events around each undeclared presentation, to find its cause. */
  readonly presentations: readonly string[]
  /**
   * Last resorts and ends of sign-ins. With a server of profile `grace` there are none: after a lost answer, the
   * same request gets the same answer.
   */
  readonly signInsAtRisk: number
}

export function invariantReport({ given, journal, connections }: Evidence): InvariantReport {
  const grants = connections.filter(({ api }) => api === 'grant')
  const guests = connections.filter(({ api }) => api === 'engagements')
  const refreshes = journal.filter(isRefresh)
  const ofGrants = grantPart(grants, refreshes)
  const ofGuests = guests.flatMap((one) => guestParts(one, refreshes))
  const parts = [ofGrants, ...ofGuests]
  const sum = (count: (part: Part) => number): number => parts.reduce((total, part) => total + count(part), 0)
  const acknowledged = connections.map((one) => lostOf(one, given))
  return {
    effects: sum((one) => one.effects),
    completed: sum((one) => one.completed),
    late: sum((one) => one.late),
    inDoubt: sum((one) => one.inDoubt),
    lastResorts: sum((one) => one.lastResorts),
    ended: sum((one) => one.ended),
    replayed: refreshes.filter(({ replayed }) => replayed === true).length,
    lostAnswers: refreshes.filter(isLost).length,
    undeclared: sum((one) => Math.max(0, one.again.length - one.lastResorts, one.stale.length)),
    // A refresh whose tokens are not stored ends its sign-in or guest (an event says so), or its intent is
    // still stored.
    silent: sum(silentIn),
    silences: parts
      .filter((one) => silentIn(one) > 0)
      .map((one) => `${silentIn(one)} refreshes by a refresh token were lost silently: ${one.about()}`),
    presentations: parts
      .flatMap((one) => [...one.stale, ...(one.again.length > one.lastResorts ? one.again : [])])
      .map((entry) =>
        presentationOf(
          entry,
          journal,
          connections.flatMap(({ events }) => events),
        ),
      ),
    doubled: acknowledged.reduce((total, one) => total + one.doubled, 0),
    lost: acknowledged.reduce((total, one) => total + one.lost, 0),
    signInsAtRisk: ofGrants.lastResorts + ofGrants.ended,
  }
}

/** What is counted for all sign-ins, or for one guest. */
interface Part extends Pick<InvariantReport, 'effects' | 'completed' | 'late' | 'inDoubt' | 'lastResorts' | 'ended'> {
  /** Credentials with a stored intent. */
  readonly open: number
  /** Refresh tokens presented that had been presented before. */
  readonly again: readonly JournalEntry[]
  /** Presentations of refresh tokens after their successor was presented. No event declares that. */
  readonly stale: readonly JournalEntry[]
  /** Shows its requests and events. */
  readonly about: () => string
}

const silentIn = ({ effects, completed, late, ended, open }: Part): number =>
  Math.max(0, effects - completed - late - ended - open)

const isRefresh = ({ grant, operation }: JournalEntry): boolean => grant === 'refresh_token' || operation === 'refresh'

const isAgain = ({ presented = 0, replayed }: JournalEntry): boolean => presented > 1 && replayed !== true

const isLost = ({ status, fault }: JournalEntry): boolean =>
  status === null || (status >= 500 && status !== 503) || (fault !== undefined && 'garble' in fault)

/** True also if the answer was scripted to be lost, or the client had ended. */
const tookEffect = ({ presented, reuse, replayed, status, fault }: JournalEntry): boolean =>
  presented !== undefined &&
  reuse !== true &&
  replayed !== true &&
  (status === 200 || (status === null && fault !== undefined && 'drop' in fault && fault.drop === 'after'))

/** Whether another change of the guest ended a refresh, as a revocation. */
const isEnded = ({ error }: Event): boolean => ['revoked', 'erased', 'superseded'].includes(error?.reason ?? '')

const isLate = ({ error }: Event): boolean => error?.code === 'token_refused'

function grantPart(grants: readonly ConnectionRecords[], journal: readonly JournalEntry[]): Part {
  const events = grants.flatMap((one) => one.events)
  const refreshes = journal.filter(({ grant }) => grant === 'refresh_token')
  const count = (type: Event['type']): number => events.filter((event) => event.type === type).length
  return {
    effects: refreshes.filter(tookEffect).length,
    completed: events.filter((event) => event.type === 'ACCESS_TOKEN_RENEWED' && 'grant' in (event.data ?? {})).length,
    late: events.filter((event) => event.type === 'ACCESS_TOKEN_FAILED' && isLate(event)).length,
    inDoubt: count('GRANT_IN_DOUBT'),
    lastResorts: count('GRANT_LAST_RESORT'),
    ended: count('GRANT_ENDED'),
    open: grants.flatMap((one) => one.credentials).filter(({ intent }) => intent).length,
    again: refreshes.filter(isAgain),
    stale: [...Map.groupBy(refreshes, ({ family }) => family).values()].flatMap(staleOf),
    about: () =>
      storyOf(
        'sign-in',
        refreshes,
        events.filter(({ type }) => /^(?:ACCESS_TOKEN|SIGN_IN|GRANT)_/.test(type)),
      ),
  }
}

/** The counts of each guest that a connection ever had. */
function guestParts(records: ConnectionRecords, journal: readonly JournalEntry[]): readonly Part[] {
  const { events } = records
  return guestsIn(records).map(({ id, upstreamId = id, subject, intent, status }) => {
    const own = events.filter((event) => event.subject === subject)
    const refreshes = journal.filter((entry) => entry.operation === 'refresh' && entry.guestId === upstreamId)
    const failed = own.filter(({ type }) => type === 'REFRESH_FAILED')
    return {
      effects: refreshes.filter(tookEffect).length,
      completed: own.filter(({ type }) => type === 'REFRESH_COMPLETED').length,
      late: failed.filter(isLate).length,
      inDoubt: new Set(failed.filter(({ error }) => error?.code === 'in_doubt').map((event) => event.idempotencyKey))
        .size,
      lastResorts: own.filter((event) => event.type === 'REFRESH_INITIATED' && 'lastResort' in (event.data ?? {}))
        .length,
      ended: (status === 'needs_reauth' ? 1 : 0) + failed.filter(isEnded).length,
      open: intent ? 1 : 0,
      again: refreshes.filter(isAgain),
      stale: staleOf(refreshes),
      about: () => storyOf(`guest ${id} (${status})`, refreshes, own),
    }
  })
}

/** The presentations of a token that are not the latest one of its sign-in or guest. */
function staleOf(refreshes: readonly JournalEntry[]): readonly JournalEntry[] {
  const order = new Map<string, number>()
  return refreshes.filter((entry) => {
    if (entry.presented === undefined || entry.replayed === true) return false
    const token = tokenOf(entry)
    if (!order.has(token)) order.set(token, order.size)
    return order.get(token) !== order.size - 1
  })
}

/** All presentations of a refresh token, and the events of about that time. */
function presentationOf(entry: JournalEntry, journal: readonly JournalEntry[], events: readonly Event[]): string {
  const same = journal.filter((other) => isRefresh(other) && tokenOf(other) === tokenOf(entry))
  const shown = same.map(({ seq, at, status }) => `${seq} at ${at} ${status ?? 'reset'}`)
  const when = Date.parse(same[0]?.at ?? entry.at)
  const near = events
    .filter(
      ({ at, connection }) =>
        Math.abs(at - when) < AROUND_MS && connection.startsWith(entry.grant ? 'grant' : 'engagements'),
    )
    .map(({ type, at, connection, generation, error, data }) =>
      [new Date(at).toISOString(), connection, type, generation, error?.code ?? '', JSON.stringify(data ?? {})].join(
        ' ',
      ),
    )
  return [`${entry.grant ?? entry.guestId}: ${tokenOf(entry)}: ${shown.join('; ')}`, ...near].join('\n    ')
}

/** The latest requests and events of a sign-in or guest, a line each. */
function storyOf(of: string, journal: readonly JournalEntry[], events: readonly Event[]): string {
  const lines = [
    ...journal.map(({ at, status, presented, replayed }) => [
      at,
      status ?? 'reset',
      presented,
      replayed ? 'replayed' : '',
    ]),
    ...events.map(({ at, type, generation, error, actor }) => [
      new Date(at).toISOString(),
      type,
      generation,
      error ? `${error.code} ${error.reason ?? ''}` : '',
      actor,
    ]),
  ].map((line) => line.join(' '))
  return [of, ...lines.toSorted().slice(-STORY)].join('\n    ')
}

const STORY = 30
const AROUND_MS = 15_000

/** The digest of the refresh token, as the journal shows it. */
const tokenOf = ({ body }: JournalEntry): string => {
  const { refresh_token: ofSignIn, refreshToken: ofGuest } = body as Readonly<Record<string, string>>
  return ofSignIn ?? ofGuest ?? ''
}

function lostOf({ name, credentials }: ConnectionRecords, given: readonly Given[]): { lost: number; doubled: number } {
  const own = given.filter(({ connection }) => connection === name)
  const stored = new Map(credentials.map(({ kind, id, generation }) => [kind === 'grant' ? 'grant' : id, generation]))
  const byGeneration = Map.groupBy(own, ({ of, generation }) => `${of} ${generation}`)
  return {
    lost: own.filter(({ of, generation }) => generation > (stored.get(of) ?? 0)).length,
    doubled: [...byGeneration.values()].filter((all) => new Set(all.map(({ token }) => token)).size > 1).length,
  }
}

/** Whether something was refreshed, and no invariant is violated with a server of this profile. */
export const holds = (
  { effects, undeclared, silent, lost, doubled, signInsAtRisk }: InvariantReport,
  profile: Profile,
): boolean => effects > 0 && undeclared + silent + lost + doubled === 0 && (profile === 'strict' || signInsAtRisk === 0)
