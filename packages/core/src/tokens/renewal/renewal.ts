import type { Context } from '../../domain/context.ts'
import type { Credential, TokenSet } from '../../domain/credential.ts'
import { type TokenCriteria, judgementTime, type Plan, plan } from '../../domain/plan.ts'
import { type Instant, type Millis, MINUTE, SECOND } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { deadlineError } from '../../policy/deadline-error.ts'
import { type Clock, stopwatch } from '../../ports/clock.ts'
import type { FoundCredential } from '../../ports/store.ts'
import { attemptRenewal } from './renewal-attempt.ts'
import { AGAIN, withLease } from './lease.ts'
import { ofKind } from './of-kind.ts'
import { createRecentFailure } from './recent-failure.ts'
import type { CurrentCredential, Snapshot, RenewalParts, RenewalPorts } from './renewal-parts.ts'
import type { RenewalStrategy } from './strategy.ts'

export type { CurrentCredential, RenewalPorts } from './renewal-parts.ts'

/** Keeps one credential current. */
export interface Renewal<C extends Credential = Credential> {
  /**
   * Gives the credential with tokens that are valid now. Rejects with `deadline_exceeded` if the caller's
   * `patienceMs` end, which names the failure of the latest try, and with the errors of the strategy.
   */
  current(criteria: TokenCriteria, context?: Context): Promise<CurrentCredential<C>>
  /** Whether a renewal is under way. */
  readonly busy: boolean
}

/** How long a caller waits for a renewal without `patienceMs`. */
const DEFAULT_PATIENCE: Millis = MINUTE

/**
 * Serves a stored credential and renews it when it is due: reads it, plans the next step, does it, commits.
 * Callers of one process share one renewal, and processes share a lease: both only save requests. The commit
 * keeps the data right, because it names the generation that it replaces.
 */
export function createRenewal<C extends Credential>(
  of: { readonly connection: string; readonly id: string },
  strategy: RenewalStrategy<C>,
  ports: RenewalPorts,
): Renewal<C> {
  const { connection, id } = of
  // Two renewals of one process must exclude each other as those of two processes do.
  const holder = `${ports.holder}/${ports.random.uuid()}`
  const parts: RenewalParts<C> = {
    connection,
    id,
    strategy,
    ports,
    lease: { connection, name: `renew:${id}`, holder, credential: id },
    recentFailure: createRecentFailure(ports.clock),
    lastSeen: undefined,
    flight: undefined,
    latestFailure: undefined,
    hasUnsavedTokens: false,
  }
  return {
    current: (criteria, context = {}) => current(parts, criteria, context),
    get busy() {
      return parts.flight !== undefined
    },
  }
}

async function current<C extends Credential>(
  parts: RenewalParts<C>,
  asked: TokenCriteria,
  context: Context,
): Promise<CurrentCredential<C>> {
  const waited = stopwatch(parts.ports.clock)
  const { patienceMs = DEFAULT_PATIENCE } = context
  const leftMs = (): Millis => patienceMs - waited()
  for (let criteria = asked; ; ) {
    const snapshot = await readSnapshot(parts)
    // From the second time on, a generation that was made meanwhile is accepted.
    if (criteria.force) criteria = { newerThan: snapshot.found.credential?.generation ?? 0 }
    const next = planFor(parts, snapshot, criteria)
    if (next.do === 'refuse') {
      // A caller with `patienceMs` waits for the end of any back-off.
      await untilRetryAt(next.error, leftMs(), parts.ports.clock, context.patienceMs !== undefined)
      continue
    }
    const recentFailure = parts.recentFailure.blocking(snapshot.found)
    if (next.do === 'use') {
      if (next.renew && !recentFailure) renewInBackground(parts, context)
      return currentOf(snapshot, next.tokens)
    }
    try {
      if (recentFailure) throw recentFailure
      parts.flight ??= trackFlight(parts, renewUnderLease(parts, criteria, context))
      const renewed = await withPatience(parts.flight, { leftMs: leftMs(), patienceMs }, parts)
      if (renewed.credential.generation > (criteria.newerThan ?? -1)) return renewed
    } catch (thrown) {
      const { stale } = next
      const canServe = stale && isValid(parts, snapshot, stale) && !isRevoked(thrown) && !hasUnsavedTokens(thrown)
      if (canServe && criteria.reported) throw thrown
      if (canServe) return currentOf(snapshot, stale)
      await untilRetryAt(thrown, leftMs(), parts.ports.clock)
    }
  }
}

/** Reads the credential from the store. */
async function readSnapshot<C extends Credential>(parts: RenewalParts<C>): Promise<Snapshot<C>> {
  const { clock, store } = parts.ports
  const elapsed = stopwatch(clock)
  const monotonic = clock.monotonic()
  const found = ofKind<C>(parts.strategy.kind, await store.find(parts.connection, parts.id))
  return { found, now: steadyTime(parts, found, monotonic), elapsed }
}

/**
 * The store's time, which never goes back for a generation: if the store's clock stepped back, it is counted on
 * from the latest read by the monotonic clock.
 */
function steadyTime(parts: RenewalParts, { credential, now }: FoundCredential, monotonic: Millis): Instant {
  const generation = credential?.generation ?? 0
  const { lastSeen } = parts
  const least = lastSeen?.generation === generation ? lastSeen.now + monotonic - lastSeen.monotonic : now
  parts.lastSeen = { generation, now: Math.max(now, least), monotonic }
  return parts.lastSeen.now
}

const issuerTime = ({ ports: { clock, issuerNow = () => clock.wall() } }: RenewalParts): Instant => issuerNow()

const planFor = (parts: RenewalParts, { found, now }: Snapshot, criteria: TokenCriteria): Plan =>
  plan(found.credential, criteria, now, parts.strategy.windows, issuerTime(parts))

const isValid = (parts: RenewalParts, { now, elapsed }: Snapshot, tokens: TokenSet): boolean =>
  judgementTime(tokens, now + elapsed(), issuerTime(parts)) < tokens.expiresAt

const currentOf = <C extends Credential>(
  { found, now, elapsed }: Snapshot<C>,
  tokens: TokenSet,
): CurrentCredential<C> => ({
  // A plan serves only tokens of the credential that was found.
  credential: { ...(found.credential as C), tokens },
  now,
  elapsed,
})

/**
 * Waits until a failed renewal may be repeated. Throws the failure if it names no such time, or one that is
 * more than `leftMs` away. Only failures in doubt are waited for, unless `anyBackOff` is true.
 */
async function untilRetryAt(thrown: unknown, leftMs: Millis, clock: Clock, anyBackOff = false): Promise<void> {
  const { code, retryAt } = thrown instanceof GuestpassError ? thrown : {}
  const waits = retryAt !== undefined && (code === 'in_doubt' || anyBackOff)
  const wait = waits ? retryAt - clock.wall() : Number.POSITIVE_INFINITY
  if (wait > leftMs) throw thrown
  await clock.sleep(Math.max(wait, 1))
}

/**
 * Whether an error holds new tokens that the store did not take. They end with this process: its caller gets
 * the error.
 */
const hasUnsavedTokens = (thrown: unknown): boolean => thrown instanceof GuestpassError && thrown.unsaved !== undefined

/**
 * Waits for a shared renewal for at most `leftMs`; the renewal itself goes on. If the process ends with the call
 * (`unsavedMs` is set), the caller waits until new tokens are stored.
 */
async function withPatience<C extends Credential>(
  flight: Promise<CurrentCredential<C>>,
  { leftMs, patienceMs }: { readonly leftMs: Millis; readonly patienceMs: Millis },
  parts: RenewalParts<C>,
): Promise<CurrentCredential<C>> {
  const { connection, ports } = parts
  const done = new AbortController()
  const deadline = ports.clock.sleep(Math.max(leftMs, 0), done.signal).then(() => {
    if (parts.hasUnsavedTokens && ports.unsavedMs !== undefined) return flight
    throw deadlineError(
      `The renewal of connection ${connection} is still under way after ${patienceMs / SECOND} s.`,
      'Ask again, or allow it more time.',
      parts.latestFailure,
    )
  })
  // No caller waits for the deadline after the flight has won the race.
  deadline.catch(() => {})
  return Promise.race([flight, deadline]).finally(() => done.abort('done'))
}

/** Keeps a renewal as the one under way until it ends. Later callers plan by what it stored. */
function trackFlight<C extends Credential>(
  parts: RenewalParts<C>,
  work: Promise<CurrentCredential<C>>,
): Promise<CurrentCredential<C>> {
  const { underway } = parts.ports
  underway?.add(work)
  const end = (): void => {
    parts.flight = undefined
    parts.latestFailure = undefined
    underway?.delete(work)
  }
  work.then(end, end)
  return work
}

/**
 * Starts a renewal that no caller waits for. Its failure is in the back-off and the events that it stores.
 */
function renewInBackground(parts: RenewalParts, context: Context): void {
  if (parts.flight) return
  parts.flight = trackFlight(parts, renewUnderLease(parts, { early: true }, context))
  parts.flight.catch(() => {})
}

/**
 * Renews under the lease. Plans again after each answer of the store, because another process may have
 * renewed.
 */
const renewUnderLease = <C extends Credential>(
  parts: RenewalParts<C>,
  criteria: TokenCriteria,
  context: Context,
): Promise<CurrentCredential<C>> =>
  withLease(parts.lease, parts.ports, async ({ lease, found: row, requestedAt, elapsed }) => {
    const found = row && ofKind<C>(parts.strategy.kind, row)
    const snapshot = found ? { found, now: steadyTime(parts, found, requestedAt), elapsed } : await readSnapshot(parts)
    const next = planFor(parts, snapshot, criteria)
    if (next.do === 'refuse') throw next.error
    if (next.do === 'use') return currentOf(snapshot, next.tokens)
    return (lease && (await attemptRenewal(parts, { ...snapshot, keyGone: criteria.keyGone }, lease, context))) ?? AGAIN
  })

const isRevoked = (thrown: unknown): boolean => asGuestpassError(thrown).code === 'guest_revoked'
