import { SIGN_INS } from '../../domain/document-kinds.ts'
import type { Event } from '../../domain/events/event.ts'
import type { Json } from '../../domain/json.ts'
import { scopeList } from '../../domain/scopes.ts'
import { Secret } from '../../domain/secret.ts'
import { DAY, DOCUMENT_TOLERANCE, isInForce, type Instant, MINUTE, type Millis } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { DocumentWrite, Store } from '../../ports/store.ts'
import { outcomeJson, type SignInOutcome } from './sign-in-outcome.ts'

/** A sign-in that was begun: what must be known again when the browser comes back. */
export interface PendingSignIn {
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

/**
 * Why a sign-in is not accepted. `issuer`: the callback or the ID token is of another server; `audience`, `azp`, `nonce`, `auth_time`,
 * `at_hash`: that claim of the ID token fails; `id_token`: it does not verify, or another claim fails.
 */
export type SignInReason =
  | 'state'
  | 'replayed'
  | 'expired'
  | 'browser'
  | 'identity'
  | 'upstream'
  | 'issuer'
  | 'audience'
  | 'azp'
  | 'nonce'
  | 'auth_time'
  | 'at_hash'
  | 'id_token'

/** What a browser brings back from upstream. */
export interface Callback {
  readonly state: string | null
  /** The code or the error, as a text by which the same callback is known again. */
  readonly answer: string
  /** What the browser that began the sign-in holds. */
  readonly browser?: string | undefined
}

/** Sign-ins under way, by a state that is good for one answer of upstream (RFC 6749, 10.12), and how they ended. */
export interface PendingSignIns {
  /** Keeps one for 10 minutes, with the events that tell of it; rejects with `internal` when the state is taken. */
  keep(state: string, pending: PendingSignIn, now: Instant, events: readonly Event[]): Promise<Instant>
  /** The sign-in that a callback is of, as far as this callback may see it. Rejects with `sign_in_refused`, reason state, when there is none. */
  find(callback: Callback, now: Instant): Promise<FoundSignIn>
}

interface Known {
  /** Stands for the state: its digest. */
  readonly id: string
  readonly correlationId: string
  /** The state is good until then. */
  readonly until: Instant
}

export type FoundSignIn = Known &
  (
    | {
        readonly is: 'open'
        readonly scopes: readonly string[]
        /** Takes it for good, before anything is done with it; undefined when another callback was first. `taker` is a new UUID. */
        take(taker: string): Promise<TakenSignIn | undefined>
      }
    /** A callback with the same answer took it; `outcome` gives its outcome, once that is known. */
    | { readonly is: 'taken'; readonly outcome: () => Promise<SignInOutcome | undefined> }
    /** This callback is not accepted: reason replayed, expired or browser. */
    | { readonly is: 'refused'; readonly error: GuestpassError }
  )

/** A sign-in that one callback, and no other, may complete. */
export interface TakenSignIn extends PendingSignIn {
  /** Rejects with `sign_in_refused` when another has taken it, or it has expired. */
  ensureOurs(now: () => Instant): Promise<void>
  /** Throws `sign_in_refused` when it has expired. */
  ensureInTime(now: Instant): void
  /** What keeps the outcome for other callbacks with the same answer, to be committed with what the outcome tells of. */
  settled(outcome: SignInOutcome): Promise<readonly DocumentWrite[]>
}

const LIFE: Millis = 10 * MINUTE
/** How long it is known of a state that it was used or has expired. */
const AFTERLIFE: Millis = DAY

export const refusedSignIn = (reason: SignInReason, what: string): GuestpassError =>
  new GuestpassError('sign_in_refused', `The sign-in was not accepted: ${what}. Begin a new one.`, { reason })

const refusals = {
  state: 'its state is missing, or is of no sign-in that was begun here',
  replayed: 'its state was used before',
  expired: `it took more than ${LIFE / MINUTE} minutes`,
  browser: 'it was begun in another browser',
} as const
const refusal = (reason: keyof typeof refusals): GuestpassError => refusedSignIn(reason, refusals[reason])

interface Stored {
  readonly until: Instant
  readonly correlationId: string
  /** Absent once it was taken. */
  readonly pending?: StoredPending
  /** What is known of it then: by whom, and SHA-256 of the answer of that callback. */
  readonly taken?: { readonly by: string; readonly answer: string; readonly browser?: string }
  readonly outcome?: SignInOutcome
}

type StoredPending = Omit<PendingSignIn, 'verifier' | 'scopes' | 'correlationId'> & {
  readonly verifier: string
  readonly scope: string
}

type Digest = (text: string) => Promise<string>

export function createPendingSignIns(
  connection: string,
  digest: Digest,
  store: Pick<Store, 'document' | 'commit'>,
): PendingSignIns {
  const read = async (id: string): Promise<{ readonly stored?: Stored; readonly revision: number }> => {
    const { value, revision } = await store.document(connection, SIGN_INS, id)
    return value === undefined ? { revision } : { stored: value as unknown as Stored, revision }
  }
  const written = (id: string, stored: Stored, revision: number): DocumentWrite => {
    const { outcome, ...rest } = stored
    const value: { readonly [name: string]: Json } = { ...rest, ...(outcome ? { outcome: outcomeJson(outcome) } : {}) }
    return { kind: SIGN_INS, id, value, expiresAt: stored.until + AFTERLIFE, expect: { revision } }
  }

  function owned(id: string, stored: Stored, taker: string, { verifier, scope, ...rest }: StoredPending): TakenSignIn {
    const isOurs = (found: Stored | undefined): found is Stored => found?.taken?.by === taker
    const ensureInTime = (now: Instant): void => {
      if (isOver(stored.until, now)) throw refusal('expired')
    }
    return {
      ...rest,
      correlationId: stored.correlationId,
      verifier: new Secret(verifier),
      scopes: scopeList(scope),
      ensureInTime,
      async ensureOurs(now) {
        if (!isOurs((await read(id)).stored)) throw refusal('replayed')
        ensureInTime(now())
      },
      async settled(outcome) {
        const found = await read(id)
        return isOurs(found.stored) ? [written(id, { ...found.stored, outcome }, found.revision)] : []
      },
    }
  }

  return {
    async keep(state, { verifier, scopes, correlationId, ...rest }, now, events) {
      const until = now + LIFE
      const pending = { ...rest, verifier: verifier.reveal(), scope: scopes.join(' ') }
      const documents = [written(await digest(state), { until, correlationId, pending }, 0)]
      if ((await store.commit({ connection, documents, events })) === 'done') return until
      throw new GuestpassError('internal', 'A state was made twice; the source of randomness is broken.')
    },
    async find(callback, now) {
      if (!callback.state) throw refusal('state')
      const id = await digest(callback.state)
      const { stored, revision } = await read(id)
      if (!stored) throw refusal('state')
      const { until, correlationId, pending } = stored
      const known = { id, correlationId, until }
      const answer = await digest(callback.answer)
      const reason = await refusedFor(stored, answer, callback.browser, now, digest)
      if (reason) return { ...known, is: 'refused', error: refusal(reason) }
      if (!pending) return { ...known, is: 'taken', outcome: async () => (await read(id)).stored?.outcome }
      return {
        ...known,
        is: 'open',
        scopes: scopeList(pending.scope),
        async take(by) {
          const { browser } = pending
          const taken = { until, correlationId, taken: { by, answer, ...(browser === undefined ? {} : { browser }) } }
          const outcome = await store.commit({ connection, documents: [written(id, taken, revision)] })
          return outcome === 'done' ? owned(id, taken, by, pending) : undefined
        },
      }
    },
  }
}

/** Also of one that would last longer from now than any: a clock that was ahead wrote it. */
const isOver = (until: Instant, now: Instant): boolean => !isInForce(until, LIFE, now, DOCUMENT_TOLERANCE)

/** Why a callback may not complete a sign-in, or hear of its outcome; undefined when it may. */
async function refusedFor(
  { until, pending, taken }: Stored,
  answer: string,
  browser: string | undefined,
  now: Instant,
  digest: Digest,
): Promise<'expired' | 'browser' | 'replayed' | undefined> {
  if (pending && isOver(until, now)) return 'expired'
  const bound = pending?.browser ?? taken?.browser
  if (bound !== undefined && !alike(bound, await digest(browser ?? ''))) return 'browser'
  if (pending) return undefined
  const isSame = taken !== undefined && alike(taken.answer, answer)
  return isSame && !isOver(until, now) ? undefined : 'replayed'
}

/** Two digests compared in a time that tells nothing of where they differ. */
function alike(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ (other.charCodeAt(at) || 0)
  return difference === 0
}
