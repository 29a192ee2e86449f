import type { Context } from '../../domain/context.ts'
import { signInStarted } from '../../domain/events/sign-ins.ts'
import { Secret } from '../../domain/secret.ts'
import { type Instant, MINUTE } from '../../domain/time.ts'
import { asGuestpassError } from '../../domain/errors.ts'
import { encodeBase64url } from '../../domain/base64url.ts'
import { callerWait } from '../renewal/caller-wait.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import { completeSignIn, type CompleteSignInParts } from './complete-sign-in.ts'
import { readGrant } from './grant-snapshot.ts'
import { aboutSignIn, initiatorOf } from './initiator.ts'
import { createPendingSignIns } from './pending-sign-ins.ts'
import { createSignInFlights } from './sign-in-flights.ts'
import type { SignedIn } from './sign-in-outcome.ts'

/** A request to sign a user in. */
export interface SignInRequest {
  /** The address to which the upstream sends the browser back. It is registered there. */
  readonly redirectUri: string
  /** Scopes to request. Default: those of the connection. */
  readonly scopes?: readonly string[]
  /** A secret that only this browser has, as the value of its `__Host-` cookie. The callback must bring it again. */
  readonly browser?: string
}

/** A sign-in that waits for its callback. */
export interface StartedSignIn {
  /** The address to which the browser is sent. It contains the state, and no other secret. */
  readonly url: string
  /** The time by which the callback must come, in milliseconds since the epoch. */
  readonly expiresAt: Instant
}

/** Signs a user in by the authorization code grant with PKCE (RFC 6749, 4.1; RFC 7636), once and for the whole connection. */
export interface SignIn {
  /**
   * Stores a new sign-in for 10 minutes, and gives the address of its consent page. `context.signal` and `context.patienceMs` (default
   * 60 s) end the caller's wait. Rejects with `config_invalid` for options that no sign-in can use, and with `store_…`.
   */
  begin(ask: SignInRequest, context?: Context): Promise<StartedSignIn>
  /**
   * Completes a sign-in by the query of the redirect, as a text or parsed. `browser`: the secret that `begin` was given. The code is
   * exchanged once. The same query a second time, as of a page that was loaded again, gets the outcome of the first within the 10
   * minutes, also in another process on the store. `context.signal` and `context.patienceMs` (default 60 s) end the caller's wait; the
   * sign-in goes on, and the same query gets its outcome.
   *
   * Rejects with `sign_in_refused` and a reason (`state`, `replayed`, `expired`, `browser`, `identity`, `upstream`, or the claim that
   * fails: `issuer`, `audience`, `azp`, `nonce`, `auth_time`, `at_hash`, `id_token`), `sign_in_denied`, `token_refused`, and `in_doubt`
   * if the answer to the exchange was lost. After `store_…`, `keys_unavailable` or the reason `discovery` nothing was sent, and the same
   * query may be tried again.
   */
  complete(query: URLSearchParams | string, browser?: string, context?: Context): Promise<SignedIn>
}

/** What a sign-in by a browser is made with. */
export interface SignInParts extends Omit<CompleteSignInParts, 'ports' | 'pending' | 'flights'> {
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

/** A wrong option is still wrong when the browser comes back. A provider that is down may be up by then. */
function throwIfMisconfigured(thrown: unknown): void {
  if (asGuestpassError(thrown).code === 'config_invalid') throw thrown
}
