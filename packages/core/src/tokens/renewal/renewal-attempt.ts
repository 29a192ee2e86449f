import { type Context, uncancellable } from '../../domain/context.ts'
import {
  type BackOff,
  type Credential,
  type CredentialWithTokens,
  type TokenSet,
  withoutMembers,
} from '../../domain/credential.ts'
import type { EventContext } from '../../domain/events/event-parts.ts'
import type { Event } from '../../domain/events/event.ts'
import type { TokenCriteria } from '../../domain/plan.ts'
import { Superseded } from '../../domain/superseded.ts'
import { type Instant, type Millis, SECOND } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { TryFailure } from '../../policy/pipeline.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { TryHooks } from '../../upstream/try-hooks.ts'
import { backOffAfter } from './back-off.ts'
import { commitUntilStored, unsavedError } from './commit-until-stored.ts'
import type { Lease } from './lease.ts'
import type { CurrentCredential, Snapshot, RenewalParts } from './renewal-parts.ts'
import type { PreparedRenewal, RenewalResult } from './strategy.ts'

/** One attempt to renew a credential, under a lease. */
interface RenewalAttempt<C extends Credential = Credential> extends PreparedRenewal<C> {
  readonly parts: RenewalParts<C>
  readonly lease: Lease
  readonly about: EventContext
  readonly context: Context
  readonly now: () => Instant
  /** The revision of the row after the latest write or read of this attempt. */
  revision: number
}

/** The result of a renewal whose tokens were stored. */
type StoredRenewal<C extends Credential> = Pick<RenewalResult<C>, 'fault' | 'onStored'> & {
  readonly next: CredentialWithTokens<C>
}

/** The first try needs no confirmation of a lease that is younger than this. */
const RECENTLY_CONFIRMED: Millis = SECOND

/**
 * Renews a credential once under a lease: stores the intent, requests tokens, and stores them. Undefined: plan
 * again, because another process was first, or because the stored credential has changed.
 */
export async function attemptRenewal<C extends Credential>(
  parts: RenewalParts<C>,
  { found, elapsed, keyGone }: Snapshot<C> & Pick<TokenCriteria, 'keyGone'>,
  lease: Lease,
  context: Context,
): Promise<CurrentCredential<C> | undefined> {
  const { strategy } = parts
  const now = (): Instant => found.now + elapsed()
  const before = found.credential ?? strategy.initial(found.now)
  const about = strategy.about(before, context)
  const prepared = strategy.prepare(before, now())
  const attempt: RenewalAttempt<C> = { ...prepared, parts, lease, about, context, now, revision: found.revision }
  if (prepared.next === 'send' && strategy.isSingleUse(before)) await parts.ports.store.ensureRoom()
  if (prepared.credential !== before) {
    const events = strategy.startEvents(before, prepared.credential, about, now(), keyGone)
    if ((await writeCredential(attempt, prepared.credential, events)) === 'conflict') return undefined
  }
  if (prepared.next === 'plan') return undefined
  const stored = await requestAndStore(attempt)
  if (!stored) return undefined
  const { next, fault, onStored } = stored
  parts.lastSeen = { generation: next.generation, now: now(), monotonic: parts.ports.clock.monotonic() }
  if (fault) {
    rememberFailure(attempt, fault, next)
    throw fault
  }
  onStored?.(next)
  return { credential: next, now: found.now, elapsed }
}

/** Requests tokens and stores them, or stores the failure. Undefined: plan again. */
async function requestAndStore<C extends Credential>(
  attempt: RenewalAttempt<C>,
): Promise<StoredRenewal<C> | undefined> {
  const { parts, credential, next, isRetry, about, now } = attempt
  const context = uncancellable(attempt.context)
  const { strategy } = parts
  const elapsed = stopwatch(parts.ports.clock)
  try {
    const call = { credential, next, isRetry, about, context, now, hooks: tryHooks(attempt) }
    const result = checkExpiry(await strategy.renew(call), strategy.isSingleUse(credential), now())
    const stored = await storeTokens(attempt, result)
    if (stored) return { ...result, next: stored }
    await result.onSuperseded?.()
    return undefined
  } catch (thrown) {
    if (thrown instanceof Superseded) return undefined
    return storeFailure(attempt, asGuestpassError(thrown), elapsed())
  }
}

/**
 * Refuses an access token that expired before it arrived. It throws, but not after a single-use call: the new
 * refresh token has to be stored, so that the refusal is the result's `fault`.
 */
function checkExpiry<C extends Credential>(
  result: RenewalResult<C>,
  isSingleUse: boolean,
  now: Instant,
): RenewalResult<C> {
  const fault = result.fault ? undefined : expiryFault(result.credential.tokens, now)
  if (fault && !isSingleUse) throw fault
  return fault ? { ...result, fault } : result
}

/**
 * Hooks that send a single-use call only under the lease. `beforeTry` asks the store for lease and row. `onSend`
 * asks no store, because the connection is open by then.
 */
function tryHooks(attempt: RenewalAttempt): TryHooks {
  const { lease, credential, parts } = attempt
  const onFailedTry = (failure: GuestpassError): void => {
    parts.latestFailure = failure
    parts.ports.onFailedTry?.(failure)
  }
  if (!parts.strategy.isSingleUse(credential)) return { onSend() {}, onFailedTry }
  let tries = 0
  return {
    onFailedTry,
    async beforeTry() {
      tries += 1
      if (tries === 1 && lease.isHeld() && lease.age() < RECENTLY_CONFIRMED) return
      const row = await lease.confirm()
      const isUnchanged =
        row?.credential?.generation === credential.generation && row.credential.intent?.id === credential.intent?.id
      if (!row || !isUnchanged) throw new Superseded()
      attempt.revision = row.revision
    },
    onSend() {
      if (lease.isHeld()) return
      const message = 'not sent: this process was paused, and another one may have started the same renewal'
      throw new TryFailure({ code: 'upstream_unavailable', sent: 'no', message })
    },
  }
}

/** Stores tokens as the next generation. Undefined: another process committed first. */
async function storeTokens<C extends Credential>(
  attempt: RenewalAttempt<C>,
  { credential, events, fault, issued }: RenewalResult<C>,
): Promise<CredentialWithTokens<C> | undefined> {
  const { parts, credential: before } = attempt
  const { connection, id, ports } = parts
  const backOff = fault?.retryable ? { backOff: backOffFor(attempt, fault, attempt.now()) } : {}
  const next = { ...withoutMembers(credential, 'intent', 'backOff'), ...backOff, generation: before.generation + 1 }
  const expect = { generation: before.generation }
  const change = { connection, writes: [{ credential: next, expect }], events, ...(issued ? { issued } : {}) }
  if (!parts.strategy.isSingleUse(before)) return (await ports.store.commit(change)) === 'done' ? next : undefined
  parts.hasUnsavedTokens = true
  try {
    return (await commitUntilStored(ports, change, id)) === 'done' ? next : undefined
  } catch (thrown) {
    throw unsavedError(thrown, next)
  } finally {
    parts.hasUnsavedTokens = false
  }
}

/**
 * Stores a failure, with its events and back-off. Throws it, or gives undefined if the renewal is planned
 * again.
 */
async function storeFailure(attempt: RenewalAttempt, error: GuestpassError, latencyMs: Millis): Promise<undefined> {
  const { parts, credential: before, about, now } = attempt
  const { strategy, ports } = parts
  const at = now()
  const result = strategy.afterFailure(attempt, error, at)
  const mayPass = error.retryable || (error.code === 'in_doubt' && result.credential.status !== 'needs_reauth')
  const backOff = mayPass ? backOffFor(attempt, error, at) : undefined
  const after = backOff ? { ...result.credential, backOff } : result.credential
  const events = strategy.failureEvents({ before, after, error, about, now: at, latencyMs })
  if (result.next === 'retry' && error.unsaved === undefined) {
    await writeCredential(attempt, after, events)
    return undefined
  }
  parts.recentFailure.record(error, before.generation, backOff && backOff.until - at)
  const commit = async (): Promise<void> => {
    const outcome = after === before ? 'conflict' : await writeCredential(attempt, after, events)
    if (outcome === 'conflict') await ports.store.commit({ connection: parts.connection, events })
  }
  // If the store fails too, the caller gets the first error.
  await commit().catch(() => {})
  throw error
}

/** Remembers a fault of tokens that were stored, until the time of the next try. */
function rememberFailure(
  { parts, now }: RenewalAttempt,
  fault: GuestpassError,
  { generation, backOff }: CredentialWithTokens,
): void {
  parts.recentFailure.record(fault, generation, backOff && backOff.until - now())
}

function backOffFor({ parts, credential }: RenewalAttempt, error: GuestpassError, now: Instant): BackOff {
  const { clock, random } = parts.ports
  const retryInMs = error.retryAt === undefined ? 0 : error.retryAt - clock.wall()
  return backOffAfter(error, credential.backOff, now, retryInMs, random.float())
}

/**
 * Writes a credential of the same generation, if its row is unchanged since this attempt read or wrote it.
 */
async function writeCredential(
  attempt: RenewalAttempt,
  credential: Credential,
  events: readonly Event[],
): Promise<'done' | 'conflict'> {
  const { parts, revision } = attempt
  const expect = { generation: credential.generation, revision }
  const change = { connection: parts.connection, writes: [{ credential, expect }], events }
  const outcome = await parts.ports.store.commit(change)
  if (outcome === 'done') attempt.revision = revision + 1
  return outcome
}

/** The error of an access token that expired before it arrived. Serving it would cause endless renewals. */
const expiryFault = ({ expiresAt }: TokenSet, now: Instant): GuestpassError | undefined =>
  now < expiresAt
    ? undefined
    : new GuestpassError(
        'token_refused',
        'The token that the upstream issued expired before it arrived: its lifetime is too short, or this machine was paused meanwhile.',
        { reason: 'expired' },
      )

/** Throws `token_refused` for an access token that expired before it arrived. */
export function refuseExpired(tokens: TokenSet, now: Instant): void {
  const fault = expiryFault(tokens, now)
  if (fault) throw fault
}
