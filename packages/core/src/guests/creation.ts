import type { Credential } from '../domain/credential.ts'
import type { Json } from '../domain/json.ts'
import { ended, hasEnded } from '../domain/plan.ts'
import { type Profile, sealedProfile } from '../domain/profile.ts'
import { type Instant, iso } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import type { Meter } from '../ports/meter.ts'
import type { Change } from '../ports/store.ts'
import type { Live, RenewalPorts } from '../tokens/renewal.ts'
import type { Created } from '../upstream/created.ts'
import { type Attempt, authenticated, type Wording } from './attempt.ts'
import type { Look } from './channels.ts'
import { type Claim, claims, formerOf, type Opening, slotBefore } from './claims.ts'
import { revocationChange } from './ending.ts'
import { type Lookup, withCrm } from './enrichment.ts'
import type { PersonApi } from './person-api.ts'
import type { Received, Reception } from './reception.ts'
import { isUuid } from './request.ts'
import type { Sessions } from './sessions.ts'
import type { Slot } from './slot.ts'
import { takeover } from './takeover.ts'
import type { Telling } from './telling.ts'

export interface CreationParts {
  readonly connection: string
  readonly reception: Reception
  readonly sessions: Sessions
  readonly telling: Telling
  readonly wording: Wording
  readonly meter: Meter
}

/** What a create that was answered brought. */
interface Outcome {
  readonly made: Received
  readonly lookup: Lookup
  readonly told: Readonly<Record<string, Json>>
  readonly statusCode: number
}

/**
 * Makes a guest upstream, once: written down under its key before it is sent, settled with the guest in one write. Undefined: somebody
 * else was first, look again.
 */
export type Creation = (api: PersonApi, attempt: Attempt, opening: Opening) => Promise<Live | undefined>

export function creation(parts: CreationParts, ports: RenewalPorts): Creation {
  const { connection, wording, meter, reception } = parts
  const { store, random } = ports
  const claimed = claims({ connection, wording, meter }, ports)
  const takesOver = takeover({ ...parts, claims: claimed }, ports)

  /** What must be known before anything is written down. */
  async function checked(api: PersonApi, attempt: Attempt, { now }: Opening): Promise<Look> {
    try {
      const look = await api.before(attempt.person)
      // The answer to a create cannot be asked for again, and must be verified when it comes.
      await reception.ready(api.format)
      return look
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      meter.count('guest_authentication_failed')
      const told = { type: 'guest.authentication', outcome: 'failure', subject: random.uuid(), error } as const
      await store.commit({ connection, events: [wording(attempt, now(), told)] })
      throw error
    }
  }

  /** The guest that upstream made, in our words, its tokens verified. */
  async function received(
    api: PersonApi,
    claim: Claim,
    created: Created,
    sentAt: Instant,
    lookup: Lookup,
  ): Promise<Received> {
    const { format, renewable } = api
    const terms = { subject: created.guestId, scopes: [], format, renewable, sentAt }
    return reception.receive(blank(claim, created, sentAt, lookup), created, terms, claim.now)
  }

  function blank({ attempt, subject }: Claim, created: Created, sentAt: Instant, lookup: Lookup): Credential {
    const id = isUuid(created.guestId) ? created.guestId.toLowerCase() : random.uuid()
    const { api, name, email, attributes, channelId, assurance, consent } = attempt.person
    const plain: Profile = { email, ...(name === undefined ? {} : { name }), attributes }
    return {
      connection,
      id,
      kind: 'guest',
      api,
      subject,
      generation: 0,
      standing: 'active',
      request: {
        assurance,
        ...(channelId === undefined ? {} : { channelId }),
        ...(consent ? { consentTimestamp: iso(sentAt) } : {}),
      },
      profile: sealedProfile(lookup.outcome === 'found' ? withCrm(plain, lookup.profile) : plain),
      createdAt: sentAt,
      ...(id === created.guestId ? {} : { upstreamId: created.guestId }),
    }
  }

  /** Stores a guest as the next generation of its row, with everything that belongs to it. */
  async function keep(
    api: PersonApi,
    claim: Claim,
    { made, told, statusCode, lookup }: Outcome,
  ): Promise<Live | undefined> {
    let next: Live = made.credential
    const live: Slot = { state: 'live', guestId: next.id }
    const kept = await claimed.settle(claim, live, async () => {
      const base = (await store.find(connection, next.id)).credential
      if (base && hasEnded(base)) throw await refuseEnded(claim, base, made)
      const { subject, createdAt, aliveUntil = 0 } = base ?? made.credential
      const longest = Math.max(aliveUntil, made.credential.aliveUntil ?? 0)
      next = { ...made.credential, subject, createdAt, aliveUntil: longest, generation: (base?.generation ?? 0) + 1 }
      const done = authenticated(wording, claim.attempt, claim, next, { told, statusCode })
      const former = await ending(claim, next)
      return {
        writes: [{ credential: next, expect: { generation: next.generation - 1 } }, ...former.writes],
        documents: api.enrichment ? [await api.enrichment.pending(next.id, lookup)] : [],
        events: [...former.events, done],
        deny: former.deny,
        issued: made.issued,
      }
    })
    if (kept) return next
    const { subject, now } = claim
    const lost = wording(claim.attempt, now(), { type: 'GUEST_ORPHANED', outcome: 'failure', subject })
    await store.commit({ connection, events: [lost] })
    return undefined
  }

  /** What ends the guest that a new one replaces. */
  async function ending(
    { now, attempt, decision: { former, replaces } }: Claim,
    next: Live,
  ): Promise<Required<Pick<Change, 'writes' | 'events' | 'deny'>>> {
    if (former === undefined || !replaces) return { writes: [], events: [], deny: [] }
    // The same guest again: only its former tokens end.
    if (former === next.id) return { writes: [], events: [], deny: [former] }
    const { credential } = await store.find(connection, former)
    if (!credential || hasEnded(credential)) return { writes: [], events: [], deny: [] }
    return revocationChange(
      credential,
      parts.telling.about(credential, { correlationId: attempt.correlationId }),
      now(),
      ports,
    )
  }

  /** Upstream named a guest that was ended here, and stays ended: nobody gets its token, and no verifier takes it. */
  async function refuseEnded(claim: Claim, guest: Credential, { issued }: Received): Promise<GuestpassError> {
    await store.commit({ connection, issued })
    await store.commit({ connection, deny: [guest.id] })
    return claimed.fail(claim, {
      error: ended(guest),
      next: undefined,
      types: ['GUEST_ORPHANED'],
      guestId: guest.id,
    })
  }

  /** What an end of the create that brought no guest means. */
  async function failed(
    api: PersonApi,
    claim: Claim,
    error: GuestpassError,
    guestId: string | undefined,
  ): Promise<Live | undefined> {
    const former = formerOf(claim.decision)
    if (error.code === 'session_exists') return takesOver(claim, error)
    if (error.code === 'token_refused') {
      const next: Slot = { state: 'orphaned', ...former }
      throw await claimed.fail(claim, { error, next, types: ['GUEST_ORPHANED'], guestId })
    }
    // Tokens that came and could not be verified are as good as lost.
    if (error.code === 'in_doubt' || guestId !== undefined) {
      const next: Slot = { state: 'in_doubt', requestId: claim.requestId, ...former }
      throw await claimed.fail(claim, { error: inDoubt(error), next, types: ['GUEST_CREATE_IN_DOUBT'], guestId })
    }
    const refusal = await api.explain(error, claim.attempt.person)
    throw await claimed.fail(claim, {
      error: refusal,
      next: slotBefore(claim, refusal),
      types: ['GUEST_CREATE_FAILED'],
    })
  }

  return async (api, attempt, opening) => {
    const preflight = await checked(api, attempt, opening)
    attempt.signal?.throwIfAborted()
    const claim = await claimed.open(attempt, opening)
    if (!claim) return undefined
    const { now, requestId } = claim
    const asked: Promise<Lookup> = api.enrichment?.lookup(attempt.person.email) ?? Promise.resolve({ outcome: 'off' })
    let created: Created | undefined
    let outcome: Outcome
    try {
      let sentAt = now()
      created = await api.create(attempt.person, requestId, () => (sentAt = now()))
      const lookup = await asked
      const made = await received(api, claim, created, sentAt, lookup)
      const told = { crm: lookup.outcome, preflight, requestId }
      outcome = { made, lookup, told, statusCode: created.status }
    } catch (thrown) {
      return failed(api, claim, asGuestpassError(thrown), created?.guestId)
    }
    const guest = await keep(api, claim, outcome)
    if (!guest) return undefined
    parts.telling.announce({ ...outcome.made, credential: guest, events: [], latencyMs: attempt.elapsed() }, now())
    api.enrichment?.begin(guest.id)
    return guest
  }
}

const inDoubt = (cause: GuestpassError): GuestpassError =>
  new GuestpassError(
    'create_in_doubt',
    `${cause.message} It is kept in mind: the next request for the same address takes it up.`,
    { cause, ...(cause.upstream ? { upstream: cause.upstream } : {}) },
  )
