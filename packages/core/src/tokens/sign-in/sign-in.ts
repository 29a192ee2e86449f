import type { Context } from '../../domain/context.ts'
import { signInStarted } from '../../domain/events/sign-ins.ts'
import { Secret } from '../../domain/secret.ts'
import { type Instant, MINUTE } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { encodeBase64url } from '../../domain/base64url.ts'
import { addressFault } from '../../upstream/address.ts'
import { callerWait } from '../renewal/caller-wait.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import { completeSignIn, type CompleteSignInParts } from './complete-sign-in.ts'
import { readGrant } from './grant-snapshot.ts'
import { aboutSignIn, initiatorOf } from './initiator.ts'
import { createPendingSignIns } from './pending-sign-ins.ts'
import { createSignInFlights } from './sign-in-flights.ts'
import type { SignedIn } from './sign-in-outcome.ts'

/** A request to sign a user in by a browser. */
export interface SignInRequest {
  /**
   * The address to which the upstream redirects the browser: https, or http on loopback. It must be registered for
   * the OAuth client.
   */
  readonly redirectUri: string
  /** Scopes to request. Default: those of the connection. */
  readonly scopes?: readonly string[]
  /**
   * A secret that only this browser has, as the value of a `__Host-` cookie. `complete` must get the same
   * value, so that a callback in another browser is refused. Default: the browser is not checked.
   */
  readonly browser?: string
}

/** A sign-in that was begun, and waits for its callback. */
export interface StartedSignIn {
  /** The address to open in the browser. It contains the state, and no other secret. */
  readonly url: string
  /** When the sign-in expires, in milliseconds since 1970. The callback must come before. */
  readonly expiresAt: Instant
}

/**
 * Signs a user in by the authorization code grant with PKCE (RFC 6749, 4.1; RFC 7636). A connection has one
 * sign-in: all its calls then use the tokens of this user.
 */
export interface SignIn {
  /**
   * Stores a new sign-in for 10 minutes, and gives the address of its consent page. `context.signal` and
   * `context.patienceMs` (default 60 s) end the caller's wait. Rejects with `invalid_input` for another
   * `redirectUri`, `config_invalid` if the options of the connection allow no sign-in, `deadline_exceeded`, and
   * `store_…`.
   */
  begin(ask: SignInRequest, context?: Context): Promise<StartedSignIn>
  /**
   * Completes a sign-in: exchanges the code of the redirect once, and stores the tokens. `query`: the query of
   * the redirect, as a text or parsed. `browser`: the secret that `begin` was given.
   *
   * Within the 10 minutes the same query gives the same outcome again, for a page that is loaded again, and in
   * each process on the store. `context.signal` and `context.patienceMs` (default 60 s) end the caller's wait.
   * The sign-in goes on, and the same query gives its outcome.
   *
   * Rejects with `sign_in_denied`, `token_refused`, `deadline_exceeded`, and `sign_in_refused` with a reason:
   * `state`, `replayed`, `expired`, `browser`, `identity`, `upstream`, or the check of the ID token that failed
   * (`issuer`, `audience`, `azp`, `nonce`, `auth_time`, `at_hash`, `id_token`). If the answer to the exchange
   * was lost, the error is `in_doubt`. After `store_…`, `keys_unavailable` or the reason `discovery` nothing
   * was sent: repeat the call with the same query.
   */
  complete(query: URLSearchParams | string, browser?: string, context?: Context): Promise<SignedIn>
}

/** What a sign-in by a browser is made with. */
interface SignInParts extends Omit<CompleteSignInParts, 'ports' | 'pending' | 'flights'> {
  /** The scopes of the connection. */
  readonly scopes: readonly string[]
}

type SignInCalls = SignInParts & CompleteSignInParts

/** Bytes of state, nonce and verifier: 256 bits each. */
const SECRET_BYTES = 32

/** How long a caller waits for a sign-in to begin. */
const BEGINNING = { what: 'Beginning a sign-in', then: 'Begin it again.', mostMs: MINUTE }

/** How long the caller of a callback waits: longer than the deadline of the exchange. */
const PATIENCE = {
  what: 'The sign-in',
  then: 'It goes on meanwhile: bring the same callback again for its outcome.',
  mostMs: MINUTE,
}

export function createSignIn(parts: SignInParts, ports: RenewalPorts): SignIn {
  const { connection, digest } = parts
  const pending = createPendingSignIns({ connection, digest, store: ports.store })
  const calls: SignInCalls = { ...parts, ports, pending, flights: createSignInFlights(ports.clock) }
  return {
    begin: (ask, context = {}) => callerWait(() => beginSignIn(calls, ask, context), context, BEGINNING, ports.clock),
    complete(brought, browser, context = {}) {
      const query = new URLSearchParams(brought)
      const work = (signal: AbortSignal): Promise<SignedIn> =>
        completeSignIn(calls, { query, browser }, context, signal)
      return callerWait(work, context, PATIENCE, ports.clock)
    },
  }
}

/** Stores a sign-in, and gives the address to which the user is sent. */
async function beginSignIn(
  parts: SignInCalls,
  { redirectUri, scopes = parts.scopes, browser }: SignInRequest,
  context: Context,
): Promise<StartedSignIn> {
  const { connection, digest, oauth, pending, ports } = parts
  checkRedirect(redirectUri)
  const { credential, now } = await readGrant(connection, ports)
  await oauth.ready(scopes).catch(throwIfMisconfigured)
  const secretText = (): string => encodeBase64url(ports.random.bytes(SECRET_BYTES))
  const [state, verifier] = [secretText(), new Secret(secretText())]
  const openId = scopes.includes('openid') ? { nonce: secretText() } : {}
  const initiator = initiatorOf(context, ports.random.uuid())
  const kept = { verifier, redirectUri, scopes, correlationId: initiator.correlationId, ...openId }
  const bound = browser === undefined ? {} : { browser: await digest(browser) }
  const challenge = await digest(verifier.reveal())
  const url = await oauth.authorizeUrl({ redirectUri, scopes, state, challenge, ...openId })
  const data = { grant: 'authorization_code', scopes }
  const facts = { id: ports.random.uuid(), at: now(), generation: credential.generation, data }
  const started = signInStarted(aboutSignIn(credential, initiator), facts)
  const expiresAt = await pending.keep(state, { ...kept, ...bound }, now(), [started])
  return { url, expiresAt: Math.floor(expiresAt) }
}

/** A code that is sent over plain http could be read on its way. */
function checkRedirect(redirectUri: string): void {
  const fault = addressFault(redirectUri, { query: 'allowed' })
  if (!fault) return
  const remedy = 'Give an address in full: https://, or http:// on loopback, as http://127.0.0.1:3000/callback.'
  throw new GuestpassError('invalid_input', `The sign-in was not begun: redirectUri ${fault.message}. ${remedy}`, {
    fields: [{ field: 'redirectUri', message: fault.message, remedy }],
  })
}

/** A wrong option is still wrong when the browser comes back. A provider that is down may be up by then. */
function throwIfMisconfigured(thrown: unknown): void {
  if (asGuestpassError(thrown).code === 'config_invalid') throw thrown
}
