import type { GuestWithTokens } from '../domain/credential.ts'
import type { Context } from '../domain/context.ts'
import { GuestpassError } from '../domain/errors.ts'
import type { FailedTries } from '../policy/failed-tries.ts'
import { abortable } from '../ports/abortable.ts'
import { callerWait } from '../tokens/renewal/caller-wait.ts'
import type { RenewalPorts } from '../tokens/renewal/renewal.ts'
import type { OnDuplicate } from '../upstream/applicant-fields.ts'
import type { Crm } from '../upstream/crm/provider.ts'
import type { GuestRequest } from '../upstream/guest-apis.ts'
import type { GuestTokens } from '../upstream/guest-tokens/provider.ts'
import type { Verifier } from '../verify/verdict.ts'
import {
  type ApplicantApi,
  createApplicantApi,
  attributesUpdate,
  type ConnectedApi,
} from './authentication/applicant-api.ts'
import { type Authenticate, createAuthenticate } from './authentication/authentication.ts'
import type { Preflight } from './authentication/channel-preflight.ts'
import { createPseudonyms } from './authentication/pseudonyms.ts'
import { createRemovedGuests } from './requests/tombstones.ts'
import { createEnrichment, type Enrichment } from './enrichment/enrichment.ts'
import { createGuestEventRecorder, type GuestEventRecorderParts } from './events/event-recorder.ts'
import type { TokenListener, ReadyContext } from './events/listeners.ts'
import { createGuestRecords, type GuestRecords } from './records/guest-records.ts'
import { refuseUnknownApi } from './requests/applicant-request.ts'
import type { GuestContext } from './requests/guest-context.ts'
import { parseGuestId, parseGuestTokenRequest } from './requests/guest-token-request.ts'
import { createLocate } from './requests/locate.ts'
import { createTokenAcceptor, type TokenAcceptor, type TokenAcceptorParts } from './tokens/accept-tokens.ts'
import { currentToken, type CurrentTokenParts, type RefreshOptions, refreshToken } from './tokens/current-token.ts'
import { createGuestSessions, type GuestSessions } from './tokens/guest-sessions.ts'
import { createIdempotentRefresh } from './tokens/idempotent-refresh.ts'
import { createJudgedSessions } from './tokens/judged-sessions.ts'
import { createImportToken } from './tokens/import-token.ts'
import { GUEST_TOKENS, type GuestTokenParts, issueGuestToken } from './tokens/issue-guest-token.ts'
import { issuedAuthenticatedGuest, type IssuedGuest, issuedGuest } from './tokens/issued-guest.ts'
import { notifyCaller, type NotifyCallerParts } from './tokens/notify-caller.ts'
import { createRequestTokens, type RequestTokens } from './tokens/request-tokens.ts'
import type { GuestRenewalStrategy } from './tokens/renewal-strategy.ts'
import { createRotatingRefresh } from './tokens/rotating-refresh.ts'

export type { RefreshOptions } from './tokens/current-token.ts'

/** The guests of one connection. */
export interface Guests extends GuestRecords {
  /**
   * Issues a guest token, and verifies and stores it before the call resolves. A known guest gets a new token,
   * with the next generation. Calls at the same time for one address make one guest.
   *
   * Rejects with `invalid_input`, `guest_revoked`, `api_not_public`, `token_refused`, `session_exists`,
   * `create_in_doubt`, `guest_orphaned`, `channel_unavailable`, and `upstream_garbled` if the upstream gave the
   * id of another guest. It also rejects with the errors of `TokenSource.token` and of calls to the upstream
   * (`upstream_…`, `access_…`, `circuit_open`, `deadline_exceeded`).
   */
  issue(request: GuestRequest, context?: Context & ReadyContext): Promise<IssuedGuest>
  /**
   * Gives the guest's token, which is valid now. If it is due, or the current keys refuse it, it is renewed first.
   * `context.patienceMs`: default 60 s.
   *
   * Rejects with `invalid_input`, `guest_unknown`, `guest_revoked`, `needs_reauth`, `refresh_impossible`,
   * `token_refused`, and with the errors of `TokenSource.token` and of calls to the upstream.
   */
  token(guestId: string, context?: GuestContext & ReadyContext): Promise<IssuedGuest>
  /**
   * Renews the guest's token now. Calls at the same time share one renewal. `options.token`: a token of the
   * guest that is not in this store. It is imported first, and may have expired at most 300 s ago.
   * `options.subject`: its `sub`, if that is not the guest id. `context.patienceMs`: default 60 s.
   *
   * Rejects with `token_invalid` and the reason (expired, of another guest, revoked, superseded, …), and with
   * the errors of `token`.
   */
  refresh(guestId: string, options?: RefreshOptions, context?: GuestContext & ReadyContext): Promise<IssuedGuest>
  /**
   * Renews the token of a guest from the start of the advisory window on, and waits for the renewal. For
   * `KeeperParts.renew`. `rowId`: the id of the guest's row, as a keeper claimed it from the store. Rejects if the
   * renewal fails, also while the present token is still valid.
   */
  keepRenewed(rowId: string, context?: Context): Promise<void>
  /**
   * Work that authenticated guests leave for later: reads their profile from the CRM, and updates their
   * attributes upstream. `run` does it until the signal aborts, `drain` does what is due, `backlog` counts it.
   */
  readonly enrichment: Pick<Enrichment, 'drain' | 'run' | 'backlog'>
  /**
   * Adds a listener for every new guest token that this process gets. Its errors fail no call. Returns a
   * function that removes the listener.
   */
  onTokenReady(listener: TokenListener): () => void
}

export interface GuestsParts extends Omit<GuestEventRecorderParts, 'random'>, TokenAcceptorParts {
  readonly guestTokens: GuestTokens
  /** Verifies tokens of stored guests, except revocation. */
  readonly storedTokens: Verifier
  /** The APIs that make guests for addresses. */
  readonly apis: readonly ConnectedApi[]
  /** Absent: guests are not enriched from a CRM. */
  readonly crm?: Crm | undefined
  readonly preflight: Preflight
  readonly onDuplicate: OnDuplicate
  /** Whether the access tokens are those of a user. */
  readonly isSignedIn: () => Promise<boolean>
  /** Throws if the connection offers no guest tokens. */
  readonly ensureAvailable: () => void
  /** Reports failed tries to get the access tokens that calls for guests wait for. */
  readonly watchAccessTokens: FailedTries['watch']
}

/** How long the caller of a create waits: as long as its calls last. */
const PATIENCE = {
  what: 'The request for a guest',
  then: 'A request that was sent goes on. Call again, or set a longer `patienceMs`.',
  mostMs: Number.POSITIVE_INFINITY,
}

export function createGuests(parts: GuestsParts, ports: RenewalPorts): Guests {
  const methods = methodParts(parts, ports)
  const { enrichment, sessions } = methods
  return {
    ...createGuestRecords({ connection: parts.connection }, ports),
    issue: (request, context = {}) => issue(methods, request, context),
    token: (guestId, context = {}) => token(methods, guestId, context),
    refresh: (guestId, options = {}, context = {}) => refresh(methods, guestId, { ...options, ...context }),
    async keepRenewed(rowId, context) {
      await sessions.current(rowId, { early: true, reported: true }, context)
    },
    enrichment,
    onTokenReady: parts.listeners.add,
  }
}

/** What the methods of the guests of one connection need. */
interface MethodParts {
  readonly ports: Pick<RenewalPorts, 'clock' | 'random'>
  readonly enrichment: Enrichment
  readonly apis: ReadonlyMap<unknown, ApplicantApi>
  readonly authenticate: Authenticate
  readonly guestTokenParts: GuestTokenParts
  readonly current: CurrentTokenParts
  /** Unjudged: a keeper serves no token. */
  readonly sessions: GuestSessions
  readonly notify: NotifyCallerParts
  readonly watchAccessTokens: FailedTries['watch']
}

function methodParts(parts: GuestsParts, ports: RenewalPorts): MethodParts {
  const { connection, windows, ensureAvailable, verifier, watchAccessTokens } = parts
  const { store, clock } = ports
  const recorder = createGuestEventRecorder(parts)
  const acceptor = createTokenAcceptor(parts)
  const requestTokens = createRequestTokens(acceptor, parts)
  const shared = { requestTokens, holder: ports.holder, ensureAvailable }
  const idempotent = createIdempotentRefresh({ ...shared, guestTokens: parts.guestTokens }, ports)
  const strategies = { [GUEST_TOKENS]: idempotent, ...rotatingStrategies(parts, { ...shared, acceptor }, ports) }
  const sessions = createGuestSessions({ connection, strategies, recorder, windows }, ports)
  const judged = createJudgedSessions(sessions, parts.storedTokens)
  const enrichment = createEnrichment({ ...parts, update: attributesUpdate(parts.apis) }, ports)
  const pseudonyms = createPseudonyms(connection, ports)
  const removed = createRemovedGuests(connection, { store, pseudonyms })
  const found = { ...ports, store: removed.store }
  const importToken = createImportToken({
    ...parts,
    recorder,
    locate: createLocate(connection, removed.store),
    ports: found,
  })
  return {
    ports,
    enrichment,
    apis: new Map(parts.apis.map((one) => [one.api.name, createApplicantApi(one, { ...parts, enrichment }, ports)])),
    authenticate: createAuthenticate({ ...parts, pseudonyms, removed, acceptor, sessions: judged, recorder }, ports),
    guestTokenParts: { connection, recorder, mint: idempotent.mint, ports: found },
    current: {
      connection,
      store,
      sessions: judged,
      locate: createLocate(connection, removed.reader),
      importToken,
      ensureAvailable,
    },
    sessions,
    notify: { clock, recorder, verifier },
    watchAccessTokens,
  }
}

/** The renewal strategies of the APIs whose guests have refresh tokens, by the name of the API. */
const rotatingStrategies = (
  { apis }: GuestsParts,
  {
    acceptor,
    ...shared
  }: {
    readonly requestTokens: RequestTokens
    readonly acceptor: TokenAcceptor
    readonly holder: string
    readonly ensureAvailable: () => void
  },
  ports: RenewalPorts,
): Readonly<Record<string, GuestRenewalStrategy>> =>
  Object.fromEntries(
    apis.flatMap(({ api, calls, format }) =>
      calls.refresh
        ? [[api.name, createRotatingRefresh({ ...shared, refresh: calls.refresh, acceptor, format }, ports)]]
        : [],
    ),
  )

async function issue(parts: MethodParts, request: GuestRequest, context: Context & ReadyContext): Promise<IssuedGuest> {
  const { apis, guestTokenParts, notify, ports } = parts
  const { signal, correlationId = ports.random.uuid() } = context
  const callContext = { ...context, correlationId }
  const name = apiOf(request)
  if (name !== GUEST_TOKENS)
    return authenticatedGuest(parts, apis.get(name) ?? refuseUnknownApi(name), request, callContext)
  const parsed = parseGuestTokenRequest(request, ports.random.uuid)
  parts.current.ensureAvailable()
  const work = abortable(() => issueGuestToken(guestTokenParts, parsed, callContext), signal)
  return issuedGuest(await notifyCaller(notify, work, context, 'issue'))
}

async function authenticatedGuest(
  { authenticate, notify, ports, watchAccessTokens }: MethodParts,
  api: ApplicantApi,
  request: GuestRequest,
  context: Context & ReadyContext & { readonly correlationId: string },
): Promise<IssuedGuest> {
  const applicant = api.parse(request)
  const run = (signal: AbortSignal) => authenticate(api, applicant, { ...context, signal })
  const work = withUnsaved(callerWait(run, context, PATIENCE, ports.clock, watchAccessTokens))
  return issuedAuthenticatedGuest(await notifyCaller(notify, work, context, 'issue'))
}

async function token(
  { current, notify }: MethodParts,
  guestId: string,
  context: GuestContext & ReadyContext,
): Promise<IssuedGuest> {
  const id = parseGuestId(guestId)
  const work = withUnsaved(abortable(() => currentToken(current, id, {}, context), context.signal))
  return issuedGuest(await notifyCaller(notify, work, context, 'renewal'))
}

async function refresh(
  { current, notify, ports }: MethodParts,
  guestId: string,
  options: RefreshOptions,
): Promise<IssuedGuest> {
  const id = parseGuestId(guestId)
  // The import of a token and the refresh after it share one correlation id.
  const all = { correlationId: ports.random.uuid(), ...options }
  const work = withUnsaved(abortable(() => refreshToken(current, id, all), all.signal))
  return issuedGuest(await notifyCaller(notify, work, all, 'renewal'))
}

/** The API that a request names. */
const apiOf = (request: unknown): unknown => {
  const { api = GUEST_TOKENS } = (request ?? {}) as { readonly api?: unknown }
  return api
}

/** Puts tokens that the store did not take into the error as an issued guest, as callers know guests. */
const withUnsaved = (work: Promise<GuestWithTokens>): Promise<GuestWithTokens> =>
  work.catch((thrown: unknown) => {
    throw thrown instanceof GuestpassError && isUnsavedGuest(thrown.unsaved)
      ? withIssuedGuest(thrown, thrown.unsaved)
      : thrown
  })

/** Whether unsaved tokens are those of a guest. An access token in an error has its public form already. */
const isUnsavedGuest = (unsaved: unknown): unsaved is GuestWithTokens =>
  typeof unsaved === 'object' && unsaved !== null && 'tokens' in unsaved && 'kind' in unsaved

const withIssuedGuest = ({ code, message, cause }: GuestpassError, unsaved: GuestWithTokens): GuestpassError =>
  new GuestpassError(code, message, { unsaved: issuedGuest(unsaved), cause })
