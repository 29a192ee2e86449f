import type { Context } from '../../domain/context.ts'
import { GRANT_ID } from '../../domain/credential-ids.ts'
import type { GrantCredential } from '../../domain/credential.ts'
import type { About } from '../../domain/events/event-parts.ts'
import { signInFailed, signInStarted } from '../../domain/events/sign-ins.ts'
import { Secret } from '../../domain/secret.ts'
import { type Instant, type Millis, MINUTE, SECOND } from '../../domain/time.ts'
import { asGuestpassError, causedBy, GuestpassError } from '../../domain/errors.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { DocumentWrite } from '../../ports/store.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'
import { encodeBase64url } from '../../domain/base64url.ts'
import type { KeySource } from '../../verify/keys.ts'
import {
  type GrantedSignIn,
  createSignInStorage,
  type StoreSignInParts,
  type GrantSnapshot,
  readGrant,
} from './store-sign-in.ts'
import { refuseCallbackError } from './callback-error.ts'
import { callerWait } from '../renewal/caller-wait.ts'
import { refuseClaim } from './id-token.ts'
import { retryWhileTransient } from '../renewal/commit-until-stored.ts'
import {
  type Callback,
  type FoundSignIn,
  createPendingSignIns,
  refusedSignIn,
  type TakenSignIn,
} from './pending-sign-ins.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import { createSignInFlights } from './sign-in-flights.ts'
import { failedOutcome, type SignedIn } from './sign-in-outcome.ts'

export interface BeginSignIn {
  /** Where upstream sends the browser back to; registered there. */
  readonly redirectUri: string
  /** Default: the scopes of the connection. */
  readonly scopes?: readonly string[]
  /** What only the browser that begins holds, as the value of its `__Host-` cookie: the callback must bring it again. */
  readonly browser?: string
}

export interface BegunSignIn {
  /** Where the browser is sent. It holds the state, and no other secret. */
  readonly url: string
  /** The callback must come before. */
  readonly expiresAt: Instant
}

/** Signs a user in by the authorization code grant with PKCE (RFC 6749, 4.1; RFC 7636), once and for the whole connection. */
export interface SignIn {
  /** `context.signal` and `context.patienceMs` (default 60 s) end the caller's wait. */
  begin(ask: BeginSignIn, context?: Context): Promise<BegunSignIn>
  /**
   * Takes what the browser brought back: the query of the redirect, as a text or parsed. The code is exchanged once and never again; the same query a second time,
   * as of a page that was loaded again, gets the outcome of the first one within the state's 10 minutes, also in another process on the
   * store. `context.patienceMs`: default 60 s. When it ends, or the signal, the sign-in itself goes on; ask again with the same query.
   * Rejects with `sign_in_refused` and a reason (state, replayed, expired, browser, identity, upstream; or the claim that fails: issuer,
   * audience, azp, nonce, auth_time, at_hash, id_token), `sign_in_denied`, `in_doubt`
   * when the answer to the exchange was lost, `token_refused`, …; with `store_…`, `keys_unavailable` or the reason `discovery` nothing was sent, and the same query may be tried again.
   */
  complete(query: URLSearchParams | string, browser?: string, context?: Context): Promise<SignedIn>
  /** Runs work of a sign-in. If it fails, an event is stored. */
  recordingFailure<T>(asker: Initiator, work: () => Promise<T>): Promise<T>
  /** Stores tokens that were granted in another way, as to a device. */
  storeTokens(granted: GrantedTokens, asker: Initiator, of: Omit<GrantedSignIn, 'about'>): Promise<SignedIn>
}

/** Who signs in, in events. */
export interface Initiator {
  readonly actor: string
  readonly correlationId: string
}

export interface SignInParts extends StoreSignInParts {
  readonly scopes: readonly string[]
  readonly keys: Pick<KeySource, 'keys'>
}

/** Bytes of state, nonce and verifier: 256 bits each. */
const BYTES = 32

/** How long a code waits for keys that cannot be had now, before its callback has to come again. */
const KEYS_WAIT = 10 * SECOND

/** How long a caller waits for a sign-in to begin. */
const BEGINNING = { what: 'Beginning a sign-in', then: 'Begin it again.', mostMs: MINUTE }

/** How long the caller of a callback waits: longer than the deadline of the exchange. */
const PATIENCE = {
  what: 'The sign-in',
  then: 'It goes on meanwhile: bring the same callback again for its outcome.',
  mostMs: MINUTE,
}

export const initiatorOf = ({ actor = 'library', correlationId }: Context, fallback: string): Initiator => ({
  actor,
  correlationId: correlationId ?? fallback,
})

export function createSignIn(parts: SignInParts, ports: RenewalPorts): SignIn {
  const { connection, oauth, digest, acceptor } = parts
  const { store, clock, random } = ports
  const pending = createPendingSignIns(connection, digest, store)
  const flights = createSignInFlights(clock)
  const accepted = createSignInStorage(parts, ports)
  const secretText = (): string => encodeBase64url(random.bytes(BYTES))

  /** What the events of one sign-in share. */
  const aboutOf = ({ subject }: GrantCredential, { actor, correlationId }: Initiator): About => ({
    actor,
    connection,
    subject,
    correlationId,
  })

  async function recordingFailure<T>(
    asker: Initiator,
    work: () => Promise<T>,
    settled: (error: GuestpassError) => Promise<readonly DocumentWrite[]> = async () => [],
  ): Promise<T> {
    const elapsed = stopwatch(ports.clock)
    try {
      return await work()
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      // What cannot be written down now is known to the caller alone.
      await noted(asker, { error, latencyMs: elapsed() }, settled).catch(() => {})
      throw error
    }
  }

  async function noted(
    asker: Initiator,
    failure: { readonly error: GuestpassError; readonly latencyMs: Millis },
    settled: (error: GuestpassError) => Promise<readonly DocumentWrite[]>,
  ): Promise<void> {
    const { credential, now } = await readGrant(connection, ports)
    const { generation } = credential
    const facts = { id: random.uuid(), at: now(), generation, ...failure }
    const events = [signInFailed(aboutOf(credential, asker), facts)]
    const outcome = await store.commit({ connection, documents: await settled(failure.error), events })
    if (outcome === 'conflict') await store.commit({ connection, events })
  }

  const storeTokens: SignIn['storeTokens'] = (granted, asker, of) =>
    accepted(granted, { ...of, about: (credential) => aboutOf(credential, asker) })

  async function exchanged(
    code: string | null,
    taken: TakenSignIn,
    asker: Initiator,
    { now }: GrantSnapshot,
  ): Promise<SignedIn> {
    if (code === null || code === '') throw refusedSignIn('upstream', 'upstream sent the browser back without a code')
    const { verifier, redirectUri, scopes, nonce } = taken
    let sentAt = now()
    const hooks = {
      beforeTry: () => taken.ensureOurs(now),
      onSend() {
        taken.ensureInTime(now())
        sentAt = now()
      },
    }
    const granted = await oauth
      .exchange({ code: new Secret(code), verifier, redirectUri, hooks })
      .catch((thrown: unknown) => {
        const error = asGuestpassError(thrown)
        throw error.retryable || error.code === 'in_doubt' ? notAgain(error) : error
      })
    const settled = (signedIn: SignedIn) => taken.settled({ signedIn })
    const of = { asked: scopes, sentAt, now, grant: 'authorization_code', settled }
    return storeTokens(granted, asker, nonce === undefined ? of : { ...of, nonce })
  }

  /** Makes sure that what comes can be verified and stored: a code that is used up for nothing is lost. */
  async function ready(
    { scopes }: { readonly scopes: readonly string[] },
    { credential }: GrantSnapshot,
  ): Promise<void> {
    await store.ensureRoom()
    await Promise.all([acceptor.ensureVerifiable(credential.tokens), oauth.ready(scopes)])
    if (!scopes.includes('openid')) return
    // An OpenID provider gives an ID token (OpenID Connect Core, 3.1.3.3). From elsewhere one may not come, and one that came waits.
    const isSure = oauth.issuer !== undefined
    const wait = { clock, unsavedMs: isSure ? KEYS_WAIT : 0 }
    await retryWhileTransient(
      wait,
      { connection, credential: GRANT_ID },
      async () => parts.keys.keys(),
      ({ retryable }) => retryable,
    ).catch((thrown: unknown) => {
      if (isSure) throw thrown
    })
  }

  async function completed(
    query: URLSearchParams,
    callback: Callback,
    found: FoundSignIn,
    asker: Initiator,
    at: GrantSnapshot,
    signal: AbortSignal,
  ): Promise<SignedIn> {
    const { id, until } = found
    if (found.is === 'taken') return flights.outcomeOf(id, { until, now: at.now, outcome: found.outcome }, signal)
    const taken = await recordingFailure(asker, async () => {
      if (found.is === 'refused') throw found.error
      await ready(found, at)
      return found.take(random.uuid())
    })
    if (!taken) return completed(query, callback, await pending.find(callback, at.now()), asker, at, signal)
    const settled = (error: GuestpassError) => taken.settled(failedOutcome(error))
    return flights.run(id, { until, now: at.now }, () =>
      recordingFailure(
        asker,
        async () => {
          await oauth.checkCallback(query).catch(refuseClaim)
          refuseCallbackError(query)
          return exchanged(query.get('code'), taken, asker, at)
        },
        settled,
      ),
    )
  }

  /** Writes a sign-in down, and says where the user is sent. */
  async function begun(
    { redirectUri, scopes = parts.scopes, browser }: BeginSignIn,
    context: Context,
  ): Promise<BegunSignIn> {
    const { credential, now } = await readGrant(connection, ports)
    await oauth.ready(scopes).catch(refuseForGood)
    const [state, verifier] = [secretText(), new Secret(secretText())]
    const openId = scopes.includes('openid') ? { nonce: secretText() } : {}
    const asker = initiatorOf(context, random.uuid())
    const kept = { verifier, redirectUri, scopes, correlationId: asker.correlationId, ...openId }
    const bound = browser === undefined ? {} : { browser: await digest(browser) }
    const data = { grant: 'authorization_code', scopes }
    const challenge = await digest(verifier.reveal())
    const url = await oauth.authorizeUrl({ redirectUri, scopes, state, challenge, ...openId })
    const { generation } = credential
    const started = signInStarted(aboutOf(credential, asker), { id: random.uuid(), at: now(), generation, data })
    const expiresAt = await pending.keep(state, { ...kept, ...bound }, now(), [started])
    return { url, expiresAt: Math.floor(expiresAt) }
  }

  return {
    begin: (ask, context = {}) => callerWait(() => begun(ask, context), context, BEGINNING, clock),
    complete(brought, browser, context = {}) {
      const query = new URLSearchParams(brought)
      const callback = { state: query.get('state'), answer: answerOf(query), browser }
      const work = async (signal: AbortSignal): Promise<SignedIn> => {
        const at = await readGrant(connection, ports)
        // A state that was not begun here leaves no event: invented states would fill the log.
        const found = await pending.find(callback, at.now())
        return completed(query, callback, found, initiatorOf(context, found.correlationId), at, signal)
      }
      return callerWait(work, context, PATIENCE, clock)
    },
    recordingFailure,
    storeTokens,
  }
}

/** What upstream said, as one text: the code, or the error. */
const answerOf = (query: URLSearchParams): string => JSON.stringify([query.get('code'), query.get('error')])

/** What is set wrong is wrong when the browser comes back too; a provider that is down now may be up then. */
function refuseForGood(thrown: unknown): void {
  if (asGuestpassError(thrown).code === 'config_invalid') throw thrown
}

/** What other calls would try or look at again is over for this one: the code is sent once. */
const notAgain = (error: GuestpassError): GuestpassError =>
  new GuestpassError(error.code, `${error.message} The code is not sent twice: begin a new sign-in.`, causedBy(error))
