import type { Context } from '../domain/context.ts'
import type { Ask } from '../domain/plan.ts'
import { GuestpassError } from '../domain/errors.ts'
import { abortable } from '../ports/abortable.ts'
import { stopwatch } from '../ports/clock.ts'
import type { FailedTries } from '../policy/failed-tries.ts'
import { callerWait } from '../tokens/renewal/caller-wait.ts'
import type { CredentialWithTokens, RenewalPorts } from '../tokens/renewal/renewal.ts'
import type { Crm } from '../upstream/crm/provider.ts'
import type { OnDuplicate } from '../upstream/applicant-fields.ts'
import type { GuestRequest } from '../upstream/guest-apis.ts'
import type { GuestTokens } from '../upstream/guest-tokens/provider.ts'
import type { Claims } from '../verify/verdict.ts'
import { createImportToken } from './tokens/import-token.ts'
import { authentication } from './authentication/authentication.ts'
import { type ApplicantApi, applicantApi, attributesUpdate, type ConnectedApi } from './authentication/applicant-api.ts'
import type { Preflight } from './authentication/channel-preflight.ts'
import { type Enrichment, createEnrichment } from './enrichment/enrichment.ts'
import { GUEST_TOKENS, issueGuestToken } from './tokens/issue-guest-token.ts'
import { issuedAuthenticatedGuest, type IssuedGuest, issuedGuest } from './tokens/issued-guest.ts'
import { invalid } from './requests/faults.ts'
import { idempotentRefresh } from './tokens/idempotent-refresh.ts'
import type { ReadyContext, Listener } from './events/listeners.ts'
import { likelyRow, locate } from './requests/locate.ts'
import { createRequestTokens } from './tokens/request-tokens.ts'
import { refuseUnknownApi } from './requests/applicant-request.ts'
import { createPseudonyms } from './authentication/pseudonyms.ts'
import { createTokenAcceptor, type TokenAcceptorParts } from './tokens/accept-tokens.ts'
import { type GuestRecords, createGuestRecords } from './records/guest-records.ts'
import type { GuestContext } from './requests/guest-context.ts'
import { parseGuestId, parseIssueRequest } from './requests/guest-token-request.ts'
import { rotatingRefresh } from './tokens/rotating-refresh.ts'
import { createGuestSessions } from './tokens/guest-sessions.ts'
import { createGuestEventRecorder, type GuestEventRecorderParts } from './events/event-recorder.ts'

/** A refresh, besides which guest is meant. */
export interface RefreshOptions extends GuestContext, ReadyContext {
  /** A token that is held outside, taken over first. */
  readonly token?: string | undefined
  /**
   * The `sub` of that token, where it is not the id of the guest. It is remembered: later tokens of the guest must carry it, until a
   * token is minted for the guest id.
   */
  readonly subject?: string | undefined
}

/** The guests of one connection. */
export interface Guests extends GuestRecords {
  /**
   * A new guest token (job "mint"), verified and stored before it is returned. For a known guest it makes the next generation.
   * For the address of an applicant it makes a guest once, however many ask at once. Rejects with `invalid_input`,
   * `guest_revoked`, `api_not_public`, `token_refused`, `session_exists`, `create_in_doubt`, `guest_orphaned`, `channel_unavailable`,
   * `upstream_garbled` (an id that cannot be the guest's) and the codes of token and upstream.
   */
  issue(request: GuestRequest, context?: Context & ReadyContext): Promise<IssuedGuest>
  /** The guest's token, valid now and renewed if due. Rejects with `invalid_input`, `guest_unknown`, `guest_revoked`, … */
  token(guestId: string, context?: GuestContext & ReadyContext): Promise<IssuedGuest>
  /**
   * The guest's next token, now, exactly once however many ask. `token`: one that is held outside, taken over first; it may have
   * expired no more than 300 s ago. `subject`: its `sub`, where that is not the guest id. Rejects with `token_invalid` (expired, another guest's, revoked, superseded, …) and the codes of
   * `token`.
   */
  refresh(guestId: string, options?: RefreshOptions, context?: GuestContext & ReadyContext): Promise<IssuedGuest>
  /**
   * Renews a guest's token if it is due, also when callers would still be served. Rejects when that fails, though the token may still
   * be valid. `row`: as a keeper claimed it from the store.
   */
  keepRenewed(row: string, context?: Context): Promise<void>
  /** The work on guests that nobody waits for: what the CRM knows of them, and their attributes upstream. */
  readonly enrichment: Pick<Enrichment, 'drain' | 'run' | 'backlog'>
  /** Calls the listener with every token that is issued in this process. What it throws fails no call. The answer takes it off again. */
  onTokenReady(listener: Listener): () => void
}

export interface GuestsParts extends Omit<GuestEventRecorderParts, 'random'>, TokenAcceptorParts {
  readonly guestTokens: GuestTokens
  /** The APIs that make guests for addresses. */
  readonly apis: readonly ConnectedApi[]
  /** Absent: guests are not enriched from a CRM. */
  readonly crm?: Crm | undefined
  readonly preflight: Preflight
  readonly onDuplicate: OnDuplicate
  /** Whether the access tokens are those of a user. */
  readonly isSignedIn: () => Promise<boolean>
  /** Throws when the connection cannot offer guest tokens at all. */
  readonly available: () => void
  /** Tells of failed tries to get the access tokens that calls for guests wait for. */
  readonly watchTokens: FailedTries['watch']
}

/** How long the caller of a create waits: as long as its calls last. */
const PATIENCE = {
  what: 'The request for a guest',
  then: 'What was sent goes on: ask again, or allow it more time.',
  mostMs: Number.POSITIVE_INFINITY,
}

export function guests(parts: GuestsParts, ports: RenewalPorts): Guests {
  const { connection, windows, available } = parts
  const { store, clock, random } = ports
  const recorder = createGuestEventRecorder(parts)
  const received = createTokenAcceptor(parts)
  const obtains = createRequestTokens(received, parts)
  const by = { obtain: obtains, holder: ports.holder, available }
  const minted = idempotentRefresh({ ...by, guestTokens: parts.guestTokens }, ports)
  const rotating = parts.apis.flatMap(({ api, calls: { refresh }, format }) =>
    refresh ? [[api.name, rotatingRefresh({ ...by, refresh, reception: received, format }, ports)] as const] : [],
  )
  const strategies = { [GUEST_TOKENS]: minted, ...Object.fromEntries(rotating) }
  const live = createGuestSessions({ connection, strategies, recorder, windows }, ports)
  const enriching = createEnrichment({ ...parts, update: attributesUpdate(parts.apis) }, ports)
  const of = { ...parts, enrichment: enriching }
  const apis = new Map<unknown, ApplicantApi>(parts.apis.map((one) => [one.api.name, applicantApi(one, of, ports)]))
  const pseudonym = createPseudonyms(connection, ports)
  const authenticate = authentication({ ...parts, pseudonym, reception: received, sessions: live, recorder }, ports)
  const find = locate(connection, store)
  const adopt = createImportToken({ ...parts, recorder, locate: find, ports })
  const ephemeral = { connection, recorder, mint: minted.mint, ports }

  /** The guest in its row, renewed as asked. */
  async function current(row: string, ask: Ask, context: Context): Promise<CredentialWithTokens> {
    await store.touch(connection, row)
    return (await live.current(row, ask, context)).credential
  }

  async function served(guestId: string, ask: Ask, context: GuestContext): Promise<CredentialWithTokens> {
    // Nearly every guest has the row of its id, and no other API has one of that id: then it is looked at once.
    const row = context.api === undefined ? likelyRow(guestId) : undefined
    const likely = row === undefined ? undefined : await current(row, ask, context).catch(otherwiseMeant(guestId))
    if (likely && !likely.shared) return likely
    const { credential } = await find(guestId, context.api)
    return current(credential.id, ask, context)
  }

  /** What a failure means where the row was only likely: none of it is said of a guest that may not be the one that is meant. */
  const otherwiseMeant =
    (guestId: string) =>
    async (thrown: unknown): Promise<undefined> => {
      if (thrown instanceof GuestpassError && thrown.code === 'guest_unknown') return undefined
      await find(guestId)
      throw thrown
    }

  /** Renewed now, whatever the token's age; callers that ask at the same time share one refresh. */
  async function refreshed(
    guestId: string,
    { token, subject, ...context }: RefreshOptions,
  ): Promise<CredentialWithTokens> {
    available()
    refuseSubject(subject, token)
    if (token === undefined) return served(guestId, { force: true }, context)
    const { id, generation } = await adopt(guestId, { token, subject }, context)
    return current(id, { newerThan: generation }, context)
  }

  /** What a call gives; its own listener gets it first. */
  async function ready(
    work: Promise<CredentialWithTokens>,
    { onReady }: ReadyContext,
    isIssue: boolean,
  ): Promise<CredentialWithTokens> {
    if (!onReady) return work
    const elapsed = stopwatch(clock)
    const credential = await work
    const latencyMs = elapsed()
    const kind = isIssue || credential.generation === 1 ? 'issued' : 'refreshed'
    recorder.notifyCaller(onReady, { credential, kind, claims: await claimsOf(credential), latencyMs })
    return credential
  }

  /** The claims of a token that was verified on receipt. */
  async function claimsOf({ tokens }: CredentialWithTokens): Promise<Claims> {
    const verdict = tokens.verified
      ? await parts.verifier.verify(tokens.access.reveal()).catch(() => undefined)
      : undefined
    return verdict?.valid ? verdict.claims : {}
  }

  /** Tokens that the store did not take come with the error. */
  const withUnsaved = (work: Promise<CredentialWithTokens>): Promise<CredentialWithTokens> =>
    work.catch((thrown: unknown) => {
      throw thrown instanceof GuestpassError && isLive(thrown.unsaved) ? withGuest(thrown, thrown.unsaved) : thrown
    })

  return {
    ...createGuestRecords({ connection, locate: find }, ports),
    async issue(request, context = {}) {
      const { signal, correlationId = random.uuid() } = context
      const name = apiOf(request)
      if (name !== GUEST_TOKENS) {
        const api = apis.get(name) ?? refuseUnknownApi()
        const applicant = api.parse(request)
        const work = (own: AbortSignal) => authenticate(api, applicant, { ...context, correlationId, signal: own })
        const asked = withUnsaved(callerWait(work, context, PATIENCE, clock, parts.watchTokens))
        return issuedAuthenticatedGuest(await ready(asked, context, true))
      }
      const parsed = parseIssueRequest(request, random.uuid)
      available()
      const asked = abortable(() => issueGuestToken(ephemeral, parsed, { ...context, correlationId }), signal)
      return issuedGuest(await ready(asked, context, true))
    },
    async token(guestId, context = {}) {
      const id = parseGuestId(guestId)
      return issuedGuest(
        await ready(withUnsaved(abortable(() => served(id, {}, context), context.signal)), context, false),
      )
    },
    async refresh(guestId, options = {}, context = {}) {
      const id = parseGuestId(guestId)
      const all = { correlationId: random.uuid(), ...options, ...context }
      return issuedGuest(await ready(withUnsaved(abortable(() => refreshed(id, all), all.signal)), all, false))
    },
    async keepRenewed(row, context) {
      await live.current(row, { early: true, reported: true }, context)
    },
    enrichment: enriching,
    onTokenReady: parts.listeners.add,
  }
}

/** The API that a request names. */
const apiOf = (request: unknown): unknown => {
  const { api = GUEST_TOKENS } = (request ?? {}) as { readonly api?: unknown }
  return api
}

/** Throws `invalid_input` for a subject that no token can have, or that comes without a token. */
function refuseSubject(subject: unknown, token: unknown): void {
  if (subject === undefined) return
  const isText = typeof subject === 'string' && subject !== ''
  if (isText && token !== undefined) return
  const message = isText ? 'stands without a token' : 'not a text of at least one character'
  throw invalid([{ path: ['subject'], message }], { subject: 'Give the `sub` of the token that is given with it.' })
}

/** A guest's credential; what else comes unsaved is an access token, in the caller's terms already. */
const isLive = (unsaved: unknown): unsaved is CredentialWithTokens =>
  typeof unsaved === 'object' && unsaved !== null && 'tokens' in unsaved && 'kind' in unsaved

const withGuest = ({ code, message, cause }: GuestpassError, unsaved: CredentialWithTokens): GuestpassError =>
  new GuestpassError(code, message, { unsaved: issuedGuest(unsaved), cause })
