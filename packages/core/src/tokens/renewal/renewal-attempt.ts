import { type Context, uncancellable } from '../../domain/context.ts'
import {
  type BackOff,
  type Credential,
  type CredentialWithTokens,
  type TokenSet,
  withoutNotes,
} from '../../domain/credential.ts'
import type { EventContext } from '../../domain/events/event-parts.ts'
import type { Event } from '../../domain/events/event.ts'
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

/** One attempt, from what was found to what is stored. */
interface RenewalAttempt<C extends Credential = Credential> extends PreparedRenewal<C> {
  readonly parts: RenewalParts<C>
  readonly lease: Lease
  readonly about: EventContext
  readonly context: Context
  readonly now: () => Instant
  /** Of the row as this attempt left it last. */
  revision: number
}

/** A lease that was confirmed this short a time ago need not be looked at again before the first try. */
const JUST_NOW: Millis = SECOND

/**
 * One renewal under a lease: writes down the intent, asks upstream, commits what came. Undefined: plan again, because another
 * process was first, or another way is to be taken.
 */
export async function attemptRenewal<C extends Credential>(
  parts: RenewalParts<C>,
  { found, elapsed }: Snapshot<C>,
  lease: Lease,
  context: Context,
): Promise<CurrentCredential<C> | undefined> {
  const { strategy } = parts
  const now = (): Instant => found.now + elapsed()
  const before = found.credential ?? strategy.initial(found.now)
  const about = strategy.about(before, context)
  const prepared = strategy.prepare(before, now())
  const one: RenewalAttempt<C> = { ...prepared, parts, lease, about, context, now, revision: found.revision }
  if (prepared.next === 'send' && strategy.isSingleUse(before)) await parts.ports.store.ensureRoom()
  if (prepared.credential !== before) {
    const events = strategy.startEvents(before, prepared.credential, about, now())
    if ((await write(one, prepared.credential, events)) === 'conflict') return undefined
  }
  if (prepared.next === 'plan') return undefined
  const made = await sent(one)
  if (!made) return undefined
  const { next, fault, onStored } = made
  parts.seen = { generation: next.generation, now: now(), monotonic: parts.ports.clock.monotonic() }
  if (fault) throw faulty(one, next, fault)
  onStored?.(next)
  return { credential: next, now: found.now, elapsed }
}

/** Asks upstream and stores what came. */
async function sent<C extends Credential>(
  one: RenewalAttempt<C>,
): Promise<(Pick<RenewalResult<C>, 'fault' | 'onStored'> & { readonly next: CredentialWithTokens<C> }) | undefined> {
  const { parts, credential, next, isRetry, about, now } = one
  const context = uncancellable(one.context)
  const { strategy } = parts
  const elapsed = stopwatch(parts.ports.clock)
  try {
    const call = { credential, next, isRetry, about, context, now, hooks: hooksOf(one) }
    const made = checkExpiry(await strategy.renew(call), strategy.isSingleUse(credential), now())
    const kept = await keep(one, made)
    if (kept) return { ...made, next: kept }
    await made.onSuperseded?.()
    return undefined
  } catch (thrown) {
    if (thrown instanceof Superseded) return undefined
    return settle(one, asGuestpassError(thrown), elapsed())
  }
}

/** What came, and whether its access token ended on the way. A refresh token that came with it is kept all the same. */
function checkExpiry<C extends Credential>(
  made: RenewalResult<C>,
  isSingleUse: boolean,
  now: Instant,
): RenewalResult<C> {
  const fault = made.fault ? undefined : expiredOnArrival(made.credential.tokens, now)
  if (fault && !isSingleUse) throw fault
  return fault ? { ...made, fault } : made
}

/** Before each try of what can be spent, lease and row are looked at again; and once more, without asking the store, when it leaves. */
function hooksOf(one: RenewalAttempt): TryHooks {
  const { lease, credential, parts } = one
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
      if (tries === 1 && lease.isHeld() && lease.age() < JUST_NOW) return
      const row = await lease.confirm()
      const isOurs =
        row?.credential?.generation === credential.generation && row.credential.intent?.id === credential.intent?.id
      if (!row || !isOurs) throw new Superseded()
      one.revision = row.revision
    },
    onSend() {
      if (lease.isHeld()) return
      const message = 'not sent: this process stood still, and another one may have taken over'
      throw new TryFailure({ code: 'upstream_unavailable', sent: 'no', message })
    },
  }
}

/** Stores tokens as the next generation; undefined when another process committed first. */
async function keep<C extends Credential>(
  one: RenewalAttempt<C>,
  { credential, events, fault, issued }: RenewalResult<C>,
): Promise<CredentialWithTokens<C> | undefined> {
  const { parts, credential: asked } = one
  const { connection, id, ports } = parts
  const backOff = fault?.retryable ? { backOff: backOffOf(one, asked, fault, one.now()) } : {}
  const next = { ...withoutNotes(credential, 'intent', 'backOff'), ...backOff, generation: asked.generation + 1 }
  const expect = { generation: asked.generation }
  const change = { connection, writes: [{ credential: next, expect }], events, ...(issued ? { issued } : {}) }
  if (!parts.strategy.isSingleUse(asked)) return (await ports.store.commit(change)) === 'done' ? next : undefined
  parts.saving = true
  try {
    return (await commitUntilStored(ports, change, id)) === 'done' ? next : undefined
  } catch (thrown) {
    throw unsavedError(thrown, next)
  } finally {
    parts.saving = false
  }
}

/** Stores what a failure leaves. Throws the failure unless the renewal is retried. */
async function settle(one: RenewalAttempt, error: GuestpassError, latencyMs: Millis): Promise<undefined> {
  const { parts, credential: before, about, now } = one
  const { strategy, ports } = parts
  const at = now()
  const aftermath = strategy.afterFailure(one, error, at)
  const isRested = error.retryable || (error.code === 'in_doubt' && aftermath.credential.status !== 'needs_reauth')
  const backOff = isRested ? backOffOf(one, before, error, at) : undefined
  const after = backOff ? { ...aftermath.credential, backOff } : aftermath.credential
  const events = strategy.failureEvents({ before, after, error, about, now: at, latencyMs })
  if (aftermath.next === 'retry' && error.unsaved === undefined) {
    await write(one, after, events)
    return undefined
  }
  parts.recentFailure.record(error, before.generation, backOff && backOff.until - at)
  const commit = async (): Promise<void> => {
    const outcome = after === before ? 'conflict' : await write(one, after, events)
    if (outcome === 'conflict') await ports.store.commit({ connection: parts.connection, events })
  }
  // The caller hears what went wrong also when the store cannot take it down.
  await commit().catch(() => {})
  throw error
}

/** What came cannot be used; it is stored, with its events and the time at which to ask again. */
function faulty(
  { parts, now }: RenewalAttempt,
  { generation, backOff }: CredentialWithTokens,
  fault: GuestpassError,
): GuestpassError {
  parts.recentFailure.record(fault, generation, backOff && backOff.until - now())
  return fault
}

function backOffOf({ parts }: RenewalAttempt, { backOff }: Credential, error: GuestpassError, now: Instant): BackOff {
  const { clock, random } = parts.ports
  const retryInMs = error.retryAt === undefined ? 0 : error.retryAt - clock.wall()
  return backOffAfter(error, backOff, now, retryInMs, random.float())
}

async function write(
  one: RenewalAttempt,
  credential: Credential,
  events: readonly Event[],
): Promise<'done' | 'conflict'> {
  const { parts, revision } = one
  const expect = { generation: credential.generation, revision }
  const change = { connection: parts.connection, writes: [{ credential, expect }], events }
  const outcome = await parts.ports.store.commit(change)
  if (outcome === 'done') one.revision = revision + 1
  return outcome
}

/** Why a token that lives no longer than its way here is not served: it would be renewed without end. */
const expiredOnArrival = ({ expiresAt }: TokenSet, now: Instant): GuestpassError | undefined =>
  now < expiresAt
    ? undefined
    : new GuestpassError(
        'token_refused',
        'The token that upstream issued had ended when it came: it lives too short a time, or this machine stood still meanwhile.',
        { reason: 'expired' },
      )

/** Throws `token_refused` for a token that had ended when it came. */
export function refuseExpired(tokens: TokenSet, now: Instant): void {
  const late = expiredOnArrival(tokens, now)
  if (late) throw late
}
