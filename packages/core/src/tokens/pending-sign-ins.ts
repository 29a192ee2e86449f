import { scopeList } from '../domain/scopes.ts'
import { Secret } from '../domain/secret.ts'
import { DAY, type Instant, MINUTE, type Millis } from '../domain/time.ts'
import { GuestpassError } from '../errors.ts'
import type { Store } from '../ports/store.ts'

/** A sign-in that somebody began: what must be known again when the browser comes back. */
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

/** Why a callback is not accepted. */
export type SignInReason = 'state' | 'replayed' | 'expired' | 'browser' | 'nonce' | 'identity' | 'upstream'

/** Sign-ins under way, by a state that is good for one callback (RFC 6749, 10.12). */
export interface PendingSignIns {
  /** Keeps one for 10 minutes; rejects with `internal` when the state is taken. */
  keep(state: string, pending: PendingSignIn, now: Instant): Promise<Instant>
  /** The one that a state names. Rejects with `sign_in_refused`, reason state, when there is none. */
  find(state: string | undefined): Promise<FoundSignIn>
}

export interface FoundSignIn {
  readonly correlationId: string
  /** Takes it for good. Rejects with `sign_in_refused` and the reason: replayed, expired, browser. */
  take(browser: string | undefined, now: Instant): Promise<PendingSignIn>
}

const KIND = 'sign-in'
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

/** Two digests compared in a time that tells nothing of where they differ. */
function alike(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ (other.charCodeAt(at) || 0)
  return difference === 0
}

interface Stored {
  readonly until: Instant
  readonly correlationId: string
  /** Absent once it was taken. */
  readonly pending?: Omit<PendingSignIn, 'verifier' | 'scopes' | 'correlationId'> & {
    readonly verifier: string
    readonly scope: string
  }
}

export function pendingSignIns(
  connection: string,
  digest: (text: string) => Promise<string>,
  store: Pick<Store, 'document' | 'commit'>,
): PendingSignIns {
  const write = (id: string, value: Stored, revision: number) =>
    store.commit({
      connection,
      documents: [{ kind: KIND, id, value: { ...value }, expiresAt: value.until + AFTERLIFE, expect: { revision } }],
    })

  return {
    async keep(state, { verifier, scopes, correlationId, ...rest }, now) {
      const until = now + LIFE
      const pending = { ...rest, verifier: verifier.reveal(), scope: scopes.join(' ') }
      if ((await write(await digest(state), { until, correlationId, pending }, 0)) === 'done') return until
      throw new GuestpassError('internal', 'A state was made twice; the source of randomness is broken.')
    },
    async find(state) {
      if (state === undefined || state === '') throw refusedSignIn('state', refusals.state)
      const id = await digest(state)
      const { value, revision } = await store.document(connection, KIND, id)
      const stored = value as unknown as Stored | undefined
      if (!stored) throw refusedSignIn('state', refusals.state)
      const { until, correlationId, pending } = stored
      return {
        correlationId,
        async take(browser, now) {
          if (!pending) throw refusedSignIn('replayed', refusals.replayed)
          if (now >= until) throw refusedSignIn('expired', refusals.expired)
          if (pending.browser !== undefined && !alike(pending.browser, await digest(browser ?? '')))
            throw refusedSignIn('browser', refusals.browser)
          // Before anything is done with it: of two that come at once one is the replay.
          if ((await write(id, { until, correlationId }, revision)) === 'conflict')
            throw refusedSignIn('replayed', refusals.replayed)
          const { verifier, scope, ...rest } = pending
          return { ...rest, correlationId, verifier: new Secret(verifier), scopes: scopeList(scope) }
        },
      }
    },
  }
}
