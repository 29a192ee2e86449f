import { equalInConstantTime } from '../../domain/constant-time.ts'
import { documentKind } from '../../domain/document-kinds.ts'
import type { Event } from '../../domain/events/event.ts'
import type { Json } from '../../domain/json.ts'
import { scopeList } from '../../domain/scopes.ts'
import { Secret } from '../../domain/secret.ts'
import { DAY, DOCUMENT_TOLERANCE, isInForce, type Instant, MINUTE, type Millis } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { DocumentWrite, Store } from '../../ports/store.ts'
import { refusedSignIn } from './refused-sign-in.ts'
import { outcomeJson, type SignInOutcome } from './sign-in-outcome.ts'

/** A sign-in that was begun: what must be known again when the browser comes back. */
interface PendingSignIn {
  /** RFC 7636. */
  readonly verifier: Secret
  /** Must come back in the ID token; absent where none was asked for. */
  readonly nonce?: string
  readonly redirectUri: string
  readonly scopes: readonly string[]
  /** Joins the events of the sign-in. */
  readonly correlationId: string
  /** SHA-256 of what the browser that began it holds; absent when it is bound to none. */
  readonly browser?: string
}

/** What a browser brings back from upstream. */
interface Callback {
  readonly state: string | null
  /** The code or the error, as a text by which the same callback is known again. */
  readonly answer: string
  /** What the browser that began the sign-in holds. */
  readonly browser?: string | undefined
}

/** Sign-ins under way, by a state that is good for one answer of the upstream (RFC 6749, 10.12), and their outcomes. */
export interface PendingSignIns {
  /**
   * Stores a sign-in for 10 minutes, with its events. Gives the time at which it expires. Rejects with `internal` if the state is
   * stored already.
   */
  keep(state: string, pending: PendingSignIn, now: Instant, events: readonly Event[]): Promise<Instant>
  /** Finds the sign-in of a callback, as far as this callback may see it. Rejects with `sign_in_refused`, reason `state`, if there is none. */
  find(callback: Callback, now: Instant): Promise<FoundSignIn>
}

interface KnownSignIn {
  /** The digest of the state. */
  readonly id: string
  readonly correlationId: string
  /** When the state expires. */
  readonly until: Instant
}

/** A sign-in whose callback has not come yet. */
interface OpenSignIn extends KnownSignIn {
  readonly is: 'open'
  readonly scopes: readonly string[]
  /** Takes the sign-in for this callback alone. Undefined if another callback was first. `taker` is a new UUID. */
  take(taker: string): Promise<TakenSignIn | undefined>
}

/** A sign-in that a callback with the same answer has taken. `outcome` gives its outcome once it is known. */
interface TakenBefore extends KnownSignIn {
  readonly is: 'taken'
  readonly outcome: () => Promise<SignInOutcome | undefined>
}

/** A sign-in that this callback cannot complete: reason `replayed`, `expired` or `browser`. */
interface RefusedCallback extends KnownSignIn {
  readonly is: 'refused'
  readonly error: GuestpassError
}

export type FoundSignIn = OpenSignIn | TakenBefore | RefusedCallback

/** A sign-in that one callback, and no other, may complete. */
export interface TakenSignIn extends PendingSignIn {
  /** Rejects with `sign_in_refused` if another callback has taken it, or it has expired. */
  ensureOurs(now: () => Instant): Promise<void>
  /** Throws `sign_in_refused` if it has expired. */
  ensureInTime(now: Instant): void
  /** Makes the documents that keep the outcome for other callbacks with the same answer, to be committed with that outcome. */
  settle(outcome: SignInOutcome): Promise<readonly DocumentWrite[]>
}

const LIFE: Millis = 10 * MINUTE
/** How long it is known of a state that it was used or has expired. */
const REMEMBERED: Millis = DAY

const refusals = {
  state: 'its state is missing, or is of no sign-in that was begun here',
  replayed: 'its state was used before',
  expired: `it took more than ${LIFE / MINUTE} minutes`,
  browser: 'it was begun in another browser',
} as const
const refusal = (reason: keyof typeof refusals): GuestpassError => refusedSignIn(reason, refusals[reason])

/** A sign-in as it is stored, under the digest of its state. */
interface Stored {
  readonly until: Instant
  readonly correlationId: string
  /** Absent once a callback has taken it. */
  readonly pending?: StoredPending
  /** The callback that took it, SHA-256 of its answer, and of the secret of the browser. */
  readonly taken?: { readonly by: string; readonly answer: string; readonly browser?: string }
  readonly outcome?: SignInOutcome
}

type StoredPending = Omit<PendingSignIn, 'verifier' | 'scopes' | 'correlationId'> & {
  readonly verifier: string
  readonly scope: string
}

/** What pending sign-ins are stored with. */
interface PendingSignInParts {
  readonly connection: string
  /** SHA-256 as base64url. */
  readonly digest: (text: string) => Promise<string>
  readonly store: Pick<Store, 'document' | 'commit'>
}

export const createPendingSignIns = (parts: PendingSignInParts): PendingSignIns => ({
  keep: (state, pending, now, events) => keep(parts, state, pending, { now, events }),
  find: (callback, now) => find(parts, callback, now),
})

interface StoredSignInDocument {
  readonly stored?: Stored
  readonly revision: number
}

async function read({ connection, store }: PendingSignInParts, id: string): Promise<StoredSignInDocument> {
  const { value, revision } = await store.document(connection, documentKind.signIn, id)
  return value === undefined ? { revision } : { stored: value as unknown as Stored, revision }
}

function written(id: string, { outcome, ...rest }: Stored, revision: number): DocumentWrite {
  const value: { readonly [name: string]: Json } = { ...rest, ...(outcome ? { outcome: outcomeJson(outcome) } : {}) }
  return { kind: documentKind.signIn, id, value, expiresAt: rest.until + REMEMBERED, expect: { revision } }
}

async function keep(
  { connection, digest, store }: PendingSignInParts,
  state: string,
  { verifier, scopes, correlationId, ...rest }: PendingSignIn,
  { now, events }: { readonly now: Instant; readonly events: readonly Event[] },
): Promise<Instant> {
  const until = now + LIFE
  const pending = { ...rest, verifier: verifier.reveal(), scope: scopes.join(' ') }
  const documents = [written(await digest(state), { until, correlationId, pending }, 0)]
  if ((await store.commit({ connection, documents, events })) === 'done') return until
  throw new GuestpassError('internal', 'A state was made twice; the source of randomness is broken.')
}

async function find(parts: PendingSignInParts, callback: Callback, now: Instant): Promise<FoundSignIn> {
  const { digest } = parts
  if (!callback.state) throw refusal('state')
  const id = await digest(callback.state)
  const { stored, revision } = await read(parts, id)
  if (!stored) throw refusal('state')
  const { until, correlationId, pending } = stored
  const known = { id, correlationId, until }
  const answer = await digest(callback.answer)
  const reason = await refusedFor(stored, answer, callback.browser, now, digest)
  if (reason) return { ...known, is: 'refused', error: refusal(reason) }
  if (!pending) return { ...known, is: 'taken', outcome: async () => (await read(parts, id)).stored?.outcome }
  const scopes = scopeList(pending.scope)
  const take = (taker: string) => takeSignIn(parts, { ...known, pending, answer, revision, taker })
  return { ...known, is: 'open', scopes, take }
}

/** A pending sign-in, and the callback that is about to take it. */
interface Taking extends KnownSignIn {
  readonly pending: StoredPending
  readonly answer: string
  readonly revision: number
  readonly taker: string
}

async function takeSignIn(parts: PendingSignInParts, of: Taking): Promise<TakenSignIn | undefined> {
  const { connection, store } = parts
  const { id, until, correlationId, pending, answer, revision, taker } = of
  const browser = pending.browser === undefined ? {} : { browser: pending.browser }
  const stored: Stored = { until, correlationId, taken: { by: taker, answer, ...browser } }
  const outcome = await store.commit({ connection, documents: [written(id, stored, revision)] })
  return outcome === 'done' ? takenSignIn(parts, of) : undefined
}

function takenSignIn(parts: PendingSignInParts, { id, until, correlationId, pending, taker }: Taking): TakenSignIn {
  const { verifier, scope, ...rest } = pending
  const isOurs = (found: Stored | undefined): found is Stored => found?.taken?.by === taker
  const ensureInTime = (now: Instant): void => {
    if (isOver(until, now)) throw refusal('expired')
  }
  return {
    ...rest,
    correlationId,
    verifier: new Secret(verifier),
    scopes: scopeList(scope),
    ensureInTime,
    async ensureOurs(now) {
      if (!isOurs((await read(parts, id)).stored)) throw refusal('replayed')
      ensureInTime(now())
    },
    async settle(outcome) {
      const { stored, revision } = await read(parts, id)
      return isOurs(stored) ? [written(id, { ...stored, outcome }, revision)] : []
    },
  }
}

/** Whether a state has expired. One that would last longer than any was written by a clock that was ahead, and counts as expired. */
const isOver = (until: Instant, now: Instant): boolean => !isInForce(until, LIFE, now, DOCUMENT_TOLERANCE)

/** Why a callback may not complete a sign-in or get its outcome; undefined if it may. */
async function refusedFor(
  { until, pending, taken }: Stored,
  answer: string,
  browser: string | undefined,
  now: Instant,
  digest: PendingSignInParts['digest'],
): Promise<'expired' | 'browser' | 'replayed' | undefined> {
  if (pending && isOver(until, now)) return 'expired'
  const bound = pending?.browser ?? taken?.browser
  if (bound !== undefined && !equalInConstantTime(bound, await digest(browser ?? ''))) return 'browser'
  if (pending) return undefined
  const isSame = taken !== undefined && equalInConstantTime(taken.answer, answer)
  return isSame && !isOver(until, now) ? undefined : 'replayed'
}
