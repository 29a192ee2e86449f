import type { Context } from '../../domain/context.ts'
import { GRANT_ID } from '../../domain/credential-ids.ts'
import { Secret } from '../../domain/secret.ts'
import { SECOND } from '../../domain/time.ts'
import { asGuestpassError, causedBy, GuestpassError } from '../../domain/errors.ts'
import type { KeySource } from '../../verify/keys.ts'
import { retryWhileTransient } from '../renewal/commit-until-stored.ts'
import { refuseCallbackError } from './callback-error.ts'
import { type GrantSnapshot, readGrant } from './grant-snapshot.ts'
import { refuseClaim } from './id-token.ts'
import { type Initiator, initiatorOf } from './initiator.ts'
import type { FoundSignIn, PendingSignIns, TakenSignIn } from './pending-sign-ins.ts'
import { refusedSignIn } from './refused-sign-in.ts'
import { recordingFailure } from './record-failure.ts'
import type { SignInFlights } from './sign-in-flights.ts'
import { failedOutcome, type SignedIn } from './sign-in-outcome.ts'
import { storeSignIn, type StoreSignInParts } from './store-sign-in.ts'

/** What callbacks are completed with. */
export interface CompleteSignInParts extends StoreSignInParts {
  readonly keys: Pick<KeySource, 'keys'>
  readonly pending: PendingSignIns
  readonly flights: SignInFlights
}

/** What a browser brings back: the query of the redirect, and the secret of its cookie. */
interface BroughtBack {
  readonly query: URLSearchParams
  readonly browser: string | undefined
}

/** A callback under way, with the grant as it was read for it. */
interface CallbackWork extends BroughtBack {
  readonly initiator: Initiator
  readonly grant: GrantSnapshot
  readonly signal: AbortSignal
}

/** How long a code waits for verification keys before its callback must come again. */
const KEYS_WAIT = 10 * SECOND

/** Completes the sign-in of a callback, or waits for the outcome of another callback with the same answer. */
export async function completeSignIn(
  parts: CompleteSignInParts,
  brought: BroughtBack,
  context: Context,
  signal: AbortSignal,
): Promise<SignedIn> {
  const grant = await readGrant(parts.connection, parts.ports)
  // A state that was not begun here leaves no event: invented states would fill the log.
  const found = await findSignIn(parts, brought, grant)
  const initiator = initiatorOf(context, found.correlationId)
  return completeFound(parts, found, { ...brought, initiator, grant, signal })
}

const findSignIn = (
  { pending }: CompleteSignInParts,
  { query, browser }: BroughtBack,
  { now }: GrantSnapshot,
): Promise<FoundSignIn> => pending.find({ state: query.get('state'), answer: answerOf(query), browser }, now())

/** The answer of the upstream as one text: the code, or the error. */
const answerOf = (query: URLSearchParams): string => JSON.stringify([query.get('code'), query.get('error')])

async function completeFound(parts: CompleteSignInParts, found: FoundSignIn, work: CallbackWork): Promise<SignedIn> {
  const { flights } = parts
  const { initiator, grant, query, signal } = work
  const { id, until } = found
  if (found.is === 'taken') return flights.outcomeOf(id, { until, now: grant.now, outcome: found.outcome }, signal)
  const taken = await recordingFailure(parts, initiator, async () => {
    if (found.is === 'refused') throw found.error
    await ensureReady(parts, found, grant)
    return found.take(parts.ports.random.uuid())
  })
  if (!taken) return completeFound(parts, await findSignIn(parts, work, grant), work)
  const exchanging = async (): Promise<SignedIn> => {
    await parts.oauth.checkCallback(query).catch(refuseClaim)
    refuseCallbackError(query)
    return exchange(parts, taken, work)
  }
  return flights.run(id, { until, now: grant.now }, () =>
    recordingFailure(parts, initiator, exchanging, (error) => taken.settle(failedOutcome(error))),
  )
}

/** Resolves if the tokens can be verified and stored. A code is used up by its exchange, also if its tokens are then lost. */
async function ensureReady(
  { acceptor, connection, keys, oauth, ports }: CompleteSignInParts,
  { scopes }: { readonly scopes: readonly string[] },
  { credential }: GrantSnapshot,
): Promise<void> {
  await ports.store.ensureRoom()
  await Promise.all([acceptor.ensureVerifiable(credential.tokens), oauth.ready(scopes)])
  if (!scopes.includes('openid')) return
  // An OpenID provider gives an ID token (OpenID Connect Core, 3.1.3.3). Another server may give none, and one that came waits.
  const isSure = oauth.issuer !== undefined
  const wait = { clock: ports.clock, unsavedMs: isSure ? KEYS_WAIT : 0 }
  const read = async (): Promise<unknown> => keys.keys()
  const waiting = retryWhileTransient(wait, { connection, credential: GRANT_ID }, read, ({ retryable }) => retryable)
  await waiting.catch((thrown: unknown) => {
    if (isSure) throw thrown
  })
}

/** Exchanges the code for tokens, and stores them. */
async function exchange(
  parts: CompleteSignInParts,
  taken: TakenSignIn,
  { initiator, grant: { now }, query }: CallbackWork,
): Promise<SignedIn> {
  const code = query.get('code')
  if (code === null || code === '') throw refusedSignIn('upstream', 'upstream sent the browser back without a code')
  const { verifier, redirectUri, scopes: asked, nonce } = taken
  let sentAt = now()
  const hooks = {
    beforeTry: () => taken.ensureOurs(now),
    onSend() {
      taken.ensureInTime(now())
      sentAt = now()
    },
  }
  const granted = await parts.oauth
    .exchange({ code: new Secret(code), verifier, redirectUri, hooks })
    .catch((thrown: unknown) => {
      const error = asGuestpassError(thrown)
      throw error.retryable || error.code === 'in_doubt' ? notRetried(error) : error
    })
  const settle = (signedIn: SignedIn) => taken.settle({ signedIn })
  const of = { initiator, asked, sentAt, now, grant: 'authorization_code', settle }
  return storeSignIn(parts, granted, nonce === undefined ? of : { ...of, nonce })
}

/** The error of an exchange that other calls would retry: the code is sent once. */
const notRetried = (error: GuestpassError): GuestpassError =>
  new GuestpassError(error.code, `${error.message} The code is not sent twice: begin a new sign-in.`, {
    ...causedBy(error),
    ...(error.retryAt === undefined ? {} : { retryAt: error.retryAt }),
  })
