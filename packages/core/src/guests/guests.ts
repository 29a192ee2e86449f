import type { Credential } from '../domain/credential.ts'
import { type Ask, ended, hasEnded } from '../domain/plan.ts'
import type { Instant } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import { stopwatch } from '../ports/clock.ts'
import { abortable } from '../ports/abortable.ts'
import { type Live, type RenewalPorts } from '../tokens/renewal.ts'
import type { Crm } from '../upstream/crm/provider.ts'
import type { Engagements } from '../upstream/engagements/provider.ts'
import type { ExternalUsers } from '../upstream/external-users/provider.ts'
import type { GuestTokens } from '../upstream/guest-tokens/provider.ts'
import type { MintRequest } from '../upstream/guest-tokens/wire.ts'
import { adoption } from './adoption.ts'
import type { Listener } from './listeners.ts'
import { authentication } from './authentication.ts'
import { channels, type Preflight } from './channels.ts'
import { type Enrichment, enrichment } from './enrichment.ts'
import { authenticatedOf, type IssuedGuest, issuedOf } from './issued.ts'
import { keyedRefresh } from './keyed-refresh.ts'
import { obtain, type Obtained } from './obtain.ts'
import { engagementGuests, externalUserGuests } from './people.ts'
import {
  type EngagementRequest,
  type ExternalUserRequest,
  type OnDuplicate,
  parsePersonRequest,
  type Person,
  refuseUnknownApi,
} from './person-request.ts'
import { pseudonyms } from './pseudonyms.ts'
import { reception, type ReceptionParts, type Terms } from './reception.ts'
import { type GuestRecords, guestRecords } from './records.ts'
import { type IssueRequest, parseGuestId, parseIssueRequest } from './request.ts'
import { rotatingRefresh } from './rotating-refresh.ts'
import { sessions } from './sessions.ts'
import { telling, type TellingParts } from './telling.ts'

/** A request for a guest of any API. */
export type GuestRequest = IssueRequest | EngagementRequest | ExternalUserRequest

/** The guests of one connection. */
export interface Guests extends GuestRecords {
  /**
   * A new guest token (job "mint"), verified and stored before it is returned. For a known guest it makes the next generation.
   * For an address (`engagements`, `external-users`) it makes a guest once, however many ask at once. Rejects with `invalid_input`,
   * `guest_revoked`, `api_not_public`, `token_refused`, `session_exists`, `create_in_doubt`, `guest_orphaned`, `channel_unavailable` and
   * the codes of token and upstream.
   */
  issue(
    request: GuestRequest,
    options?: { readonly signal?: AbortSignal; readonly correlationId?: string },
  ): Promise<IssuedGuest>
  /** The guest's token, valid now and renewed if due. Rejects with `guest_unknown`, `guest_revoked`, … */
  token(guestId: string, options?: { readonly signal?: AbortSignal }): Promise<IssuedGuest>
  /**
   * The guest's next token, now, exactly once however many ask. `token`: one that is held outside, taken over first. Rejects with
   * `token_invalid` (expired, another guest's, revoked, superseded, …) and the codes of `token`.
   */
  refresh(guestId: string, options?: { readonly signal?: AbortSignal; readonly token?: string }): Promise<IssuedGuest>
  /** Renews the guest's token if it is due, also when callers would still be served; for a keeper. */
  keepRenewed(guestId: string): Promise<void>
  /** The work on guests that nobody waits for: what the CRM knows of them, and their attributes upstream. */
  readonly enrichment: Pick<Enrichment, 'drain' | 'run'>
  /** Hears of every token issued; a listener that throws harms nobody. The answer takes it off again. */
  onTokenReady(listener: Listener): () => void
}

export interface GuestsParts extends Omit<TellingParts, 'random'>, ReceptionParts {
  readonly guestTokens: GuestTokens
  readonly engagements: Engagements
  readonly externalUsers: ExternalUsers
  /** Absent: guests are not enriched from a CRM. */
  readonly crm?: Crm | undefined
  readonly preflight: Preflight
  readonly onDuplicate: OnDuplicate
  /** Whether the tokens of an API are JWTs, which are verified, or taken as they are. */
  readonly tokenFormat: Readonly<Record<Person['api'], Terms['format']>>
  /** Throws when the connection cannot offer guest tokens at all. */
  readonly available: () => void
}

/** The API of ephemeral guest tokens. */
const API = 'guest-tokens'

export function guests(parts: GuestsParts, ports: RenewalPorts): Guests {
  const { connection, windows, available } = parts
  const { store, clock, random } = ports
  const tells = telling(parts)
  const received = reception(parts)
  const obtains = obtain(received, parts)
  const { engagements, externalUsers, tokenFormat } = parts
  const by = { obtain: obtains, holder: ports.holder, available }
  const minted = keyedRefresh({ ...by, guestTokens: parts.guestTokens }, ports)
  const rotated = rotatingRefresh(
    {
      ...by,
      refresh: engagements.refresh,
      reception: received,
      format: tokenFormat.engagements,
    },
    ports,
  )
  const live = sessions({ connection, ways: { [API]: minted, engagements: rotated }, telling: tells, windows }, ports)
  const enriching = enrichment({ ...parts, update: engagements.update }, ports)
  const looks = channels({ connection, mode: parts.preflight, look: engagements.channel }, ports)
  const apis = {
    engagements: engagementGuests({
      engagements,
      channels: looks,
      enrichment: enriching,
      format: tokenFormat.engagements,
      available,
    }),
    'external-users': externalUserGuests({ externalUsers, format: tokenFormat['external-users'], available }),
  }
  const pseudonym = pseudonyms(connection, ports)
  const authenticate = authentication(
    { ...parts, apis, pseudonym, reception: received, sessions: live, telling: tells },
    ports,
  )
  const refuse = (credential: Credential): void => {
    refuseEnded(credential)
    refuseForeign(credential)
  }
  const adopt = adoption({ ...parts, about: tells.about, blank, refuse }, ports)

  function blank(id: string, now: Instant): Credential {
    const subject = random.uuid()
    return { connection, id, kind: 'guest', api: API, subject, generation: 0, standing: 'active', createdAt: now }
  }

  async function issue(
    request: MintRequest,
    signal: AbortSignal | undefined,
    correlationId: string,
  ): Promise<IssuedGuest> {
    const elapsed = stopwatch(clock)
    const found = await store.find(connection, request.guestId)
    const now = (): Instant => found.now + elapsed()
    refuseForeign(found.credential)
    const credential = wanted(found.credential ?? blank(request.guestId, found.now), request)
    refuseEnded(credential)
    const about = tells.about(credential, { correlationId })
    try {
      await store.commit({ connection, events: [tells.initiated(credential, about, now())] })
      const order = { credential, about, now, sending: { onSend() {} }, context: { signal, correlationId } }
      const made = await minted.mint(order)
      const kept = await keep(made)
      tells.announce({ ...made, credential: kept }, now())
      return issuedOf(kept)
    } catch (thrown) {
      const error = signal?.aborted ? cancelled(thrown) : asGuestpassError(thrown)
      // The caller hears what went wrong also when the store cannot take it down.
      await store.commit({ connection, events: [tells.failed(credential, about, error, now())] }).catch(() => {})
      throw error
    }
  }

  /** Stores a new token as the next generation, whichever that has become; a guest that ended meanwhile stays ended. */
  async function keep(made: Obtained): Promise<Live> {
    const issued = made.issued ?? []
    for (let base: Credential = made.credential; ; ) {
      const { subject, createdAt, aliveUntil = 0 } = base
      const longest = Math.max(aliveUntil, made.credential.aliveUntil ?? 0)
      const next: Live = {
        ...made.credential,
        subject,
        createdAt,
        aliveUntil: longest,
        generation: base.generation + 1,
      }
      const outcome = await store.commit({
        connection,
        writes: [{ credential: next, expect: { generation: base.generation } }],
        events: made.events.map((told) => ({ ...told, subject: next.subject, generation: next.generation })),
        issued,
      })
      if (outcome === 'done') return next
      base = (await store.find(connection, next.id)).credential ?? base
      if (hasEnded(base)) {
        await store.commit({ connection, issued })
        await store.commit({ connection, deny: [next.id] })
        throw ended(base)
      }
    }
  }

  const served = async (guestId: string, ask: Ask): Promise<IssuedGuest> => {
    await store.touch(connection, guestId)
    return issuedOf((await live.current(guestId, ask)).credential)
  }

  /** Renewed now, whatever the token's age; callers that ask at the same time share one refresh. */
  async function refreshed(guestId: string, token: string | undefined): Promise<IssuedGuest> {
    available()
    if (token !== undefined) await adopt(guestId, token)
    return served(guestId, { force: true })
  }

  return {
    ...guestRecords(parts, ports),
    async issue(request, options = {}) {
      const { signal, correlationId = random.uuid() } = options
      const api = apiOf(request)
      if (api !== API) {
        const person = parsePersonRequest(api, request)
        return abortable(async () => authenticatedOf(await authenticate(person, { signal, correlationId })), signal)
      }
      const parsed = parseIssueRequest(request, random.uuid)
      available()
      return abortable(() => issue(parsed, signal, correlationId), signal)
    },
    async token(guestId, options = {}) {
      const id = parseGuestId(guestId)
      return abortable(() => served(id, {}), options.signal)
    },
    async refresh(guestId, options = {}) {
      const id = parseGuestId(guestId)
      return abortable(() => refreshed(id, options.token), options.signal)
    },
    async keepRenewed(guestId) {
      await live.current(guestId, { early: true })
    },
    enrichment: enriching,
    onTokenReady: tells.onTokenReady,
  }
}

/** The API that a request names; throws `invalid_input`. */
function apiOf(request: unknown): typeof API | Person['api'] {
  const { api = API } = (request ?? {}) as { readonly api?: unknown }
  return api === API || api === 'engagements' || api === 'external-users' ? api : refuseUnknownApi()
}

/** The guest as this request wants it: what is asked for now is what renewals ask for later. */
const wanted = (
  { intent: _off, backOff: _over, ...rest }: Credential,
  { durationSeconds, scopes }: MintRequest,
): Credential => ({
  ...rest,
  request: { durationSeconds, scopes },
})

/** A guest that another API made cannot be given an ephemeral token in the place of its own. */
function refuseForeign(credential: Credential | undefined): void {
  if (credential === undefined || credential.api === API) return
  throw new GuestpassError('invalid_input', `Guest ${credential.id} is one of the API ${credential.api}.`, {
    fields: [
      {
        field: 'guestId',
        message: `is a guest of the API ${credential.api}`,
        remedy: 'Give the id of an ephemeral guest, or leave it out to get a new one.',
      },
    ],
  })
}

function refuseEnded(credential: Credential): void {
  if (hasEnded(credential)) throw ended(credential)
}

const cancelled = (cause: unknown): GuestpassError => new GuestpassError('cancelled', 'The caller gave up.', { cause })
