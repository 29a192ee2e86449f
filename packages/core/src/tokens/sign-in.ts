import type { Credential, Request } from '../domain/credential.ts'
import { type About, type Event, event } from '../domain/event.ts'
import { missingScopes } from '../domain/scopes.ts'
import { Secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import { stopwatch } from '../ports/clock.ts'
import type { Granted } from '../upstream/granted.ts'
import type { OAuth } from '../upstream/oauth/provider.ts'
import type { Identity } from '../upstream/oauth/wire.ts'
import type { Claims, Verifier } from '../verify/verdict.ts'
import { blankGrant, GRANT, picked } from './grant.ts'
import { insistentCommit } from './insistent-commit.ts'
import { type PendingSignIn, pendingSignIns, refusedSignIn } from './pending-sign-ins.ts'
import type { Live, RenewalPorts } from './renewal.ts'
import type { Reception } from './reception.ts'
import { signInEpoch } from './sign-in-epoch.ts'

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

/** A sign-in that was completed and stored. */
export interface SignedIn {
  readonly generation: number
  readonly expiresAt: Instant
  readonly scopes: readonly string[]
  /** Asked for and not granted. */
  readonly missing: readonly string[]
  /** Granted and not asked for. */
  readonly excess: readonly string[]
  /** Upstream's id of who signed in, where it is known. */
  readonly user?: string
  readonly organization?: string
  /** False when upstream gave no refresh token: then it lasts as long as the access token. */
  readonly renewable: boolean
}

/** Signs a user in by the authorization code grant with PKCE (RFC 6749, 4.1; RFC 7636), once and for the whole connection. */
export interface SignIn {
  begin(ask: BeginSignIn): Promise<BegunSignIn>
  /**
   * Takes what the browser brought back: the query of the redirect. The code is exchanged once and never again. Rejects with `sign_in_refused` and a reason
   * (state, replayed, expired, browser, nonce, identity, upstream), `sign_in_denied`, `in_doubt` when the answer to the exchange was lost, `token_refused`, …
   */
  complete(query: URLSearchParams, browser?: string): Promise<SignedIn>
  /** Runs what may end a sign-in badly; then an event tells of it. */
  watched<T>(correlationId: string, work: () => Promise<T>): Promise<T>
  /** Stores tokens that were granted in another way, as to a device. */
  accept(granted: Granted, of: Accepting): Promise<SignedIn>
}

export interface Accepting {
  readonly asked: readonly string[]
  readonly sentAt: Instant
  readonly now: () => Instant
  readonly correlationId: string
  /** How it was granted: `authorization_code`, `device_code`. */
  readonly grant: string
  readonly nonce?: string
}

export interface SignInParts {
  readonly connection: string
  readonly actor: string
  readonly oauth: OAuth
  readonly scopes: readonly string[]
  readonly reception: Reception
  /** Checks ID tokens and access tokens. */
  readonly verifier: Verifier
  readonly digest: (text: string) => Promise<string>
}

interface Stands {
  readonly credential: Credential
  readonly now: () => Instant
}

/** Bytes of state, nonce and verifier: 256 bits each. */
const BYTES = 32

export function signIn(parts: SignInParts, ports: RenewalPorts): SignIn {
  const { connection, actor, oauth, digest } = parts
  const { store, clock, random } = ports
  const pending = pendingSignIns(connection, digest, store)
  const epoch = signInEpoch(store, connection)

  const aboutOf = ({ subject }: Credential, correlationId: string): About => ({
    actor,
    connection,
    subject,
    correlationId,
  })
  const told = (
    credential: Credential,
    correlationId: string,
    now: Instant,
    happened: Pick<Event, 'type' | 'outcome'> & {
      readonly error?: GuestpassError
      readonly data?: Event['data'] & object
    },
  ): Event =>
    event(aboutOf(credential, correlationId), random.uuid(), now, { generation: credential.generation, ...happened })

  /** The grant as it stands, and the store's time, counted on. */
  async function stands(): Promise<Stands> {
    const elapsed = stopwatch(clock)
    const found = await store.find(connection, GRANT)
    const now = (): Instant => found.now + elapsed()
    return { credential: found.credential ?? blankGrant(connection, random.uuid(), found.now), now }
  }

  async function watched<T>(correlationId: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      const { credential, now } = await stands()
      const events = [told(credential, correlationId, now(), { type: 'SIGN_IN_FAILED', outcome: 'failure', error })]
      await store.commit({ connection, events }).catch(() => {})
      throw error
    }
  }

  async function exchanged(
    code: string | null,
    { verifier, redirectUri, scopes, correlationId, nonce }: PendingSignIn,
    { credential, now }: Stands,
  ) {
    if (code === null || code === '') throw refusedSignIn('upstream', 'upstream sent the browser back without a code')
    // A code that is used up for a token that cannot be verified is lost.
    await parts.reception.ready(credential.tokens)
    let sentAt = now()
    const sending = { onSend: () => void (sentAt = now()) }
    const ask = { code: new Secret(code), verifier, redirectUri, sending }
    const granted = await oauth.exchange(ask).catch((thrown: unknown) => {
      const error = asGuestpassError(thrown)
      throw error.retryable ? notAgain(error) : error
    })
    const of = { asked: scopes, sentAt, now, correlationId, grant: 'authorization_code' }
    return accept(granted, nonce === undefined ? of : { ...of, nonce })
  }

  /** Who signed in: as a verified token says it, else as upstream tells; nobody when neither does. */
  async function identityOf(granted: Granted, of: Accepting, verified: boolean): Promise<Identity> {
    const idClaims = granted.idToken ? await idTokenClaims(granted.idToken, of.nonce) : {}
    const verdict = verified ? await parts.verifier.verify(granted.access.reveal()) : undefined
    const claims = { ...(verdict?.valid ? verdict.claims : {}), ...idClaims }
    const user = claims['sub']
    const organization = claims['org']
    if (typeof user !== 'string') return oauth.identity(granted.access).catch(() => ({}))
    return { user, ...(typeof organization === 'string' ? { organization } : {}) }
  }

  /** OpenID Connect Core, 3.1.3.7. */
  async function idTokenClaims(idToken: Secret, nonce: string | undefined): Promise<Claims> {
    const verdict = await parts.verifier.verify(idToken.reveal())
    if (!verdict.valid) throw refusedSignIn('nonce', `its ID token does not verify (${verdict.reason})`)
    const { aud, nonce: came } = verdict.claims
    if (![aud].flat().includes(oauth.clientId)) throw refusedSignIn('nonce', 'its ID token is for another client')
    if (nonce !== undefined && came !== nonce) throw refusedSignIn('nonce', 'its ID token has another nonce')
    return verdict.claims
  }

  async function accept(granted: Granted, of: Accepting): Promise<SignedIn> {
    const received = await parts.reception.receive(granted, of, of.now)
    const tokens = granted.refresh ? { ...received, refresh: granted.refresh } : received
    const identity = await identityOf(granted, of, tokens.verified)
    for (;;) {
      const { credential, now } = await stands()
      refuseStranger(credential, identity)
      const { intent: _over, backOff: _none, request: former = {}, ...rest } = credential
      const pins = { ...picked(former, ['seed', 'user', 'organization']), ...identity }
      const generation = credential.generation + 1
      const request: Request = { granted: tokens.scopes, client: oauth.clientId, ...pins }
      const next: Live = { ...rest, standing: 'active', generation, tokens, request }
      const missing = missingScopes(of.asked, tokens.scopes)
      const excess = missingScopes(tokens.scopes, of.asked)
      const data = {
        grant: of.grant,
        scopes: tokens.scopes,
        missing,
        excess,
        verified: tokens.verified,
        identified: identity.user !== undefined,
      }
      const outcome = await insistentCommit(ports, {
        connection,
        writes: [{ credential: next, expect: { generation: credential.generation } }],
        events: [told(next, of.correlationId, now(), { type: 'SIGN_IN_COMPLETED', outcome: 'success', data })],
      })
      const renewable = tokens.refresh !== undefined
      if (outcome === 'done') {
        epoch.value += 1
        return {
          generation,
          expiresAt: tokens.expiresAt,
          scopes: tokens.scopes,
          missing,
          excess,
          renewable,
          ...identity,
        }
      }
    }
  }

  return {
    async begin({ redirectUri, scopes = parts.scopes, browser }) {
      const { credential, now } = await stands()
      const [state, verifier] = [base64url(), new Secret(base64url())]
      const openId = scopes.includes('openid') ? { nonce: base64url() } : {}
      const correlationId = random.uuid()
      const kept = { verifier, redirectUri, scopes, correlationId, ...openId }
      const bound = browser === undefined ? {} : { browser: await digest(browser) }
      const expiresAt = await pending.keep(state, { ...kept, ...bound }, now())
      const data = { grant: 'authorization_code', scopes }
      const events = [told(credential, correlationId, now(), { type: 'SIGN_IN_STARTED', outcome: 'pending', data })]
      await store.commit({ connection, events })
      const challenge = await digest(verifier.reveal())
      return { url: oauth.authorizeUrl({ redirectUri, scopes, state, challenge, ...openId }), expiresAt }
    },
    async complete(query, browser) {
      const standing = await stands()
      // A state of nobody is told to nobody: whoever makes them up would fill the log.
      const found = await pending.find(query.get('state') ?? undefined)
      return watched(found.correlationId, async () => {
        const taken = await found.take(browser, standing.now())
        refuseError(query)
        return exchanged(query.get('code'), taken, standing)
      })
    },
    watched,
    accept,
  }

  function base64url(): string {
    return btoa(String.fromCodePoint(...random.bytes(BYTES)))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '')
  }
}

/** RFC 6749, 4.1.2.1. */
function refuseError(query: URLSearchParams): void {
  const error = query.get('error')
  if (error === null) return
  const code = /^[a-z_]{1,40}$/.exec(error)?.[0] ?? 'an unreadable error'
  if (code !== 'access_denied') throw refusedSignIn('upstream', `upstream answered ${code}`)
  throw new GuestpassError('sign_in_denied', 'The sign-in was denied: whoever was asked said no, or may not.')
}

/** What would be worth another try for other calls is not for this one: the code is sent once. */
const notAgain = (error: GuestpassError): GuestpassError =>
  new GuestpassError(error.code, `${error.message} The code is not sent twice: begin a new sign-in.`, {
    cause: error,
    ...(error.upstream ? { upstream: error.upstream } : {}),
  })

/** A connection belongs to whom it was signed in by first. */
function refuseStranger({ request }: Credential, identity: Identity): void {
  if (request?.['user'] !== undefined && identity.user === undefined)
    throw refusedSignIn(
      'identity',
      'upstream does not tell who signed in, and the connection belongs to a user. Allow the OAuth client the scope users:readonly, or have it give an ID token',
    )
  for (const [member, what] of [
    ['organization', 'organisation'],
    ['user', 'user'],
  ] as const) {
    const [known, came] = [request?.[member], identity[member]]
    if (known !== undefined && came !== undefined && known !== came) {
      throw refusedSignIn('identity', `the connection belongs to another ${what} (${String(known)})`)
    }
  }
}
