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
   * The credential with tokens that are valid now. Rejects with `deadline_exceeded` when the caller's patience ends, which names the
   * failure of the latest try; with the codes of the strategy, …
   */
  current(ask: TokenCriteria, context?: Context): Promise<CurrentCredential<C>>
  /** Whether a renewal is under way. */
  readonly busy: boolean
}

/** How long a caller waits for a renewal when it does not say. */
const PATIENCE: Millis = MINUTE

/**
 * Serves a stored credential, renewing it when due: look, plan, do the one thing, commit. Callers of one process share one
 * flight, processes share a lease; what keeps the data right is the commit, which names the generation it replaces.
 */
export function createRenewal<C extends Credential>(
  of: { readonly connection: string; readonly id: string },
  strategy: RenewalStrategy<C>,
  ports: RenewalPorts,
): Renewal<C> {
  const { connection, id } = of
  // Of this renewal alone: another of the same process is as much a stranger as another process.
  const holder = `${ports.holder}/${ports.random.uuid()}`
  const parts: RenewalParts<C> = {
    connection,
    id,
    strategy,
    ports,
    lease: { connection, name: `renew:${id}`, holder, credential: id },
    recentFailure: createRecentFailure(ports.clock),
    seen: undefined,
    flight: undefined,
    latestFailure: undefined,
    saving: false,
  }
  return {
    current: (ask, context = {}) => current(parts, ask, context),
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
  const { patienceMs = PATIENCE } = context
  const left = (): Millis => patienceMs - waited()
  for (let ask = asked; ; ) {
    const at = await look(parts)
    if (ask.force) ask = { newerThan: at.found.credential?.generation ?? 0 }
    const next = planned(parts, at, ask)
    if (next.do === 'refuse') {
      // A caller who said how long to wait waits for the end of a back-off, too.
      await untilRetryAt(next.error, left(), parts.ports.clock, context.patienceMs !== undefined)
      continue
    }
    const refusal = parts.recentFailure.blocking(at.found)
    if (next.do === 'use') {
      if (next.renew && !refusal) renewBehind(parts, context)
      return served(at, next.tokens)
    }
    try {
      if (refusal) throw refusal
      parts.flight ??= landing(parts, underLease(parts, ask, context))
      const made = await patiently(parts.flight, { left: left(), patienceMs }, parts)
      if (made.credential.generation > (ask.newerThan ?? -1)) return made
    } catch (thrown) {
      const { stale } = next
      const serves = stale && isValid(parts, at, stale) && !endedOnPurpose(thrown) && !isUnsaved(thrown)
      if (serves && ask.reported) throw thrown
      if (serves) return served(at, stale)
      await untilRetryAt(thrown, left(), parts.ports.clock)
    }
  }
}

/** The credential as it is in the store now. */
async function look<C extends Credential>(parts: RenewalParts<C>): Promise<Snapshot<C>> {
  const { clock, store } = parts.ports
  const elapsed = stopwatch(clock)
  const monotonic = clock.monotonic()
  const found = ofKind<C>(parts.strategy.kind, await store.find(parts.connection, parts.id))
  return { found, now: steady(parts, found, monotonic), elapsed }
}

function steady(parts: RenewalParts, { credential, now }: FoundCredential, monotonic: Millis): Instant {
  const generation = credential?.generation ?? 0
  const { seen } = parts
  const least = seen?.generation === generation ? seen.now + monotonic - seen.monotonic : now
  parts.seen = { generation, now: Math.max(now, least), monotonic }
  return parts.seen.now
}

const issuersNow = ({ ports: { clock, issuerNow = () => clock.wall() } }: RenewalParts): Instant => issuerNow()

const planned = (parts: RenewalParts, { found, now }: Snapshot, ask: TokenCriteria): Plan =>
  plan(found.credential, ask, now, parts.strategy.windows, issuersNow(parts))

const isValid = (parts: RenewalParts, { now, elapsed }: Snapshot, tokens: TokenSet): boolean =>
  judgementTime(tokens, now + elapsed(), issuersNow(parts)) < tokens.expiresAt

const served = <C extends Credential>(
  { found, now, elapsed }: Snapshot<C>,
  tokens: TokenSet,
): CurrentCredential<C> => ({
  // A plan serves only tokens of what was found.
  credential: { ...(found.credential as C), tokens },
  now,
  elapsed,
})

/** Waits until a failed renewal may be repeated, where its error says when and the caller's patience lasts that long; else throws the error. */
async function untilRetryAt(thrown: unknown, left: Millis, clock: Clock, anyBackOff = false): Promise<void> {
  const { code, retryAt } = thrown instanceof GuestpassError ? thrown : {}
  const waits = retryAt !== undefined && (code === 'in_doubt' || anyBackOff)
  const wait = waits ? retryAt - clock.wall() : Number.POSITIVE_INFINITY
  if (wait > left) throw thrown
  await clock.sleep(Math.max(wait, 1))
}

/** Tokens came that end with this process: its caller must hear of it, and gets the newer token. */
const isUnsaved = (thrown: unknown): boolean => thrown instanceof GuestpassError && thrown.unsaved !== undefined

/**
 * The flight's outcome, unless the caller's patience ends first: then this wait alone ends. Where the process bounds how long tokens
 * wait for the store, because it ends with the call, the caller waits for that.
 */
async function patiently<C extends Credential>(
  flight: Promise<CurrentCredential<C>>,
  { left, patienceMs }: { readonly left: Millis; readonly patienceMs: Millis },
  parts: RenewalParts<C>,
): Promise<CurrentCredential<C>> {
  const { connection, ports } = parts
  const over = new AbortController()
  const late = ports.clock.sleep(Math.max(left, 0), over.signal).then(() => {
    if (parts.saving && ports.unsavedMs !== undefined) return flight
    throw deadlineError(
      `The renewal of connection ${connection} is still under way after ${patienceMs / SECOND} s.`,
      'Ask again, or allow it more time.',
      parts.latestFailure,
    )
  })
  late.catch(() => {})
  return Promise.race([flight, late]).finally(() => over.abort('done'))
}

/** Clears the flight when it ends, so that those who come next plan on what it stored. */
function landing<C extends Credential>(
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

/** One renewal that no caller waits for; its failure is in the back-off and the events that it stored. */
function renewBehind(parts: RenewalParts, context: Context): void {
  if (parts.flight) return
  parts.flight = landing(parts, underLease(parts, { early: true }, context))
  parts.flight.catch(() => {})
}

/** Waits for the lease. Plans again after each answer of the store, because another process may have done the work. */
const underLease = <C extends Credential>(
  parts: RenewalParts<C>,
  ask: TokenCriteria,
  context: Context,
): Promise<CurrentCredential<C>> =>
  withLease(parts.lease, parts.ports, async ({ lease, found: row, requestedAt, elapsed }) => {
    const found = row && ofKind<C>(parts.strategy.kind, row)
    const at = found ? { found, now: steady(parts, found, requestedAt), elapsed } : await look(parts)
    const next = planned(parts, at, ask)
    if (next.do === 'refuse') throw next.error
    if (next.do === 'use') return served(at, next.tokens)
    return (lease && (await attemptRenewal(parts, at, lease, context))) ?? AGAIN
  })

const endedOnPurpose = (thrown: unknown): boolean => asGuestpassError(thrown).code === 'guest_revoked'
