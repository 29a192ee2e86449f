import type { Credential } from '../domain/credential.ts'
import type { Event } from '../domain/event.ts'
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
import { revocationChange } from './ending.ts'
import { type Lookup, withCrm } from './enrichment.ts'
import type { PersonApi } from './person-api.ts'
import type { Received, Reception } from './reception.ts'
import { isUuid } from './request.ts'
import type { Sessions } from './sessions.ts'
import { type Decision, DUPLICATE, type Slot, slotOf } from './slot.ts'
import type { Telling } from './telling.ts'

/** What was found under the key, and what is to be done. */
export interface Opening {
  readonly slot: Slot | undefined
  readonly revision: number
  readonly now: () => Instant
  readonly decision: Extract<Decision, { do: 'create' }>
}

export interface CreationParts {
  readonly connection: string
  readonly reception: Reception
  readonly sessions: Sessions
  readonly telling: Telling
  readonly wording: Wording
  readonly meter: Meter
}

/** A create that is written down. */
interface Claim extends Opening {
  readonly requestId: string
  readonly subject: string
  readonly trail: readonly Event[]
}

/** What a create that was answered brought. */
interface Outcome {
  readonly made: Received
  readonly told: Readonly<Record<string, Json>>
  readonly statusCode: number
  readonly lookup: Lookup
}

/**
 * Makes a guest upstream, once: written down under its key before it is sent, settled with the guest in one write. Undefined: somebody
 * else was first, look again.
 */
export type Creation = (api: PersonApi, attempt: Attempt, opening: Opening) => Promise<Live | undefined>

export function creation(parts: CreationParts, ports: RenewalPorts): Creation {
  const { connection, wording, meter, reception } = parts
  const { store, random, holder } = ports

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

  /** Writes down that a create is about to be sent; undefined when somebody else wrote first. */
  async function claim(attempt: Attempt, opening: Opening): Promise<Claim | undefined> {
    const { decision, now, revision } = opening
    const [requestId, subject] = [random.uuid(), random.uuid()]
    const former = decision.former === undefined ? {} : { former: decision.former }
    const begun = wording(attempt, now(), {
      type: 'GUEST_CREATE_INITIATED',
      outcome: 'pending',
      subject,
      data: { requestId, resumes: decision.resumes },
    })
    const slot: Slot = { state: 'creating', requestId, holder, ...former }
    const write = { kind: DUPLICATE, id: attempt.key, value: { ...slot }, expect: { revision } }
    const outcome = await store.commit({ connection, documents: [write], events: [begun] })
    return outcome === 'done' ? { ...opening, requestId, subject, trail: [begun] } : undefined
  }

  /** Writes what became of a claim, with the rest of the change; false when somebody else took it over. */
  async function settle(
    claim: Claim,
    { key }: Attempt,
    next: Slot | undefined,
    change: () => Promise<Omit<Change, 'connection'>>,
  ): Promise<boolean> {
    for (;;) {
      const { documents = [], ...rest } = await change()
      const { value, revision } = await store.document(connection, DUPLICATE, key)
      if (!isOurs(slotOf(value), claim, next)) return false
      const write = { kind: DUPLICATE, id: key, expect: { revision }, ...(next ? { value: { ...next } } : {}) }
      const outcome = await store.commit({ connection, ...rest, documents: [write, ...documents] })
      if (outcome === 'done') return true
    }
  }

  /** The guest that upstream made, in our words, its tokens verified. */
  async function received(
    api: PersonApi,
    { person }: Attempt,
    claim: Claim,
    created: Created,
    sentAt: Instant,
    lookup: Lookup,
  ): Promise<Received> {
    const id = isUuid(created.guestId) ? created.guestId.toLowerCase() : random.uuid()
    const { name, email, attributes, channelId, assurance, consent } = person
    const plain: Profile = { email, ...(name === undefined ? {} : { name }), attributes }
    const profile = lookup.outcome === 'found' ? withCrm(plain, lookup.profile) : plain
    const blank: Credential = {
      connection,
      id,
      kind: 'guest',
      api: person.api,
      subject: claim.subject,
      generation: 0,
      standing: 'active',
      request: {
        assurance,
        ...(channelId === undefined ? {} : { channelId }),
        ...(consent ? { consentTimestamp: iso(sentAt) } : {}),
      },
      profile: sealedProfile(profile),
      createdAt: sentAt,
      ...(id === created.guestId ? {} : { upstreamId: created.guestId }),
    }
    const { format, renewable } = api
    const terms = { subject: created.guestId, scopes: [], format, renewable, sentAt }
    return reception.receive(blank, created, terms, claim.now)
  }

  /** Stores a guest as the next generation of its row, with everything that belongs to it. */
  async function keep(
    api: PersonApi,
    attempt: Attempt,
    claim: Claim,
    { made, told, statusCode, lookup }: Outcome,
  ): Promise<Live | undefined> {
    const { replaces } = claim.decision
    let next: Live = made.credential
    const live: Slot = { state: 'live', guestId: next.id }
    const kept = await settle(claim, attempt, live, async () => {
      const base = (await store.find(connection, next.id)).credential
      if (base && hasEnded(base)) throw await refuseEnded(attempt, claim, base, made)
      const { subject, createdAt, aliveUntil = 0 } = base ?? made.credential
      const longest = Math.max(aliveUntil, made.credential.aliveUntil ?? 0)
      next = { ...made.credential, subject, createdAt, aliveUntil: longest, generation: (base?.generation ?? 0) + 1 }
      const done = authenticated(wording, attempt, claim, next, { told, statusCode })
      const former = await ending(attempt, claim, replaces, next)
      return {
        writes: [{ credential: next, expect: { generation: next.generation - 1 } }, ...former.writes],
        documents: api.enrichment ? [await api.enrichment.pending(next.id, lookup)] : [],
        events: [...former.events, done],
        deny: former.deny,
        issued: made.issued,
      }
    })
    if (kept) return next
    const lost = wording(attempt, claim.now(), { type: 'GUEST_ORPHANED', outcome: 'failure', subject: claim.subject })
    await store.commit({ connection, events: [lost] })
    return undefined
  }

  /** Upstream named a guest that was ended here, and stays ended: nobody gets its token, and no verifier takes it. */
  async function refuseEnded(
    attempt: Attempt,
    claim: Claim,
    guest: Credential,
    { issued }: Received,
  ): Promise<GuestpassError> {
    await store.commit({ connection, issued })
    await store.commit({ connection, deny: [guest.id] })
    return fail(claim, attempt, ended(guest), undefined, ['GUEST_ORPHANED'], guest.id)
  }

  /** What ends the guest that a new one replaces. */
  async function ending(
    attempt: Attempt,
    { now }: Claim,
    replaces: string | undefined,
    next: Live,
  ): Promise<Required<Pick<Change, 'writes' | 'events' | 'deny'>>> {
    if (replaces === undefined) return { writes: [], events: [], deny: [] }
    // The same guest again: only its former tokens end.
    if (replaces === next.id) return { writes: [], events: [], deny: [replaces] }
    const { credential } = await store.find(connection, replaces)
    if (!credential || hasEnded(credential)) return { writes: [], events: [], deny: [] }
    return revocationChange(credential, parts.telling.about(credential, attempt.correlationId), now(), ports)
  }

  /** The events of a claim that came to nothing, and the error to throw. */
  async function fail(
    claim: Claim,
    attempt: Attempt,
    error: GuestpassError,
    next: Slot | undefined,
    types: readonly Event['type'][],
    guestId?: string,
  ): Promise<GuestpassError> {
    meter.count('guest_authentication_failed')
    const { subject, now } = claim
    const events = [...types, 'guest.authentication' as const].map((type) =>
      wording(attempt, now(), {
        type,
        outcome: 'failure',
        subject,
        error: withoutIds(error, subject, [guestId, claim.decision.former]),
        data: { requestId: claim.requestId },
      }),
    )
    if (!(await settle(claim, attempt, next, async () => ({ events })))) await store.commit({ connection, events })
    return error
  }

  /** What a claim goes back to when upstream refused, or was not asked at all. */
  function before({ slot, decision: { resumes, former } }: Claim, error: GuestpassError): Slot | undefined {
    if (!resumes) return slot
    // The weather says nothing of the create that was lost.
    if (error.retryable && slot && 'requestId' in slot) return doubt(slot.requestId, former)
    return former === undefined ? undefined : { state: 'free', former }
  }

  /** Upstream has a session: taken over by the refresh token that is stored, if there is one and the address is verified. */
  async function conflict(claim: Claim, attempt: Attempt, error: GuestpassError): Promise<Live> {
    const { former, replaces, resumes } = claim.decision
    const isSure = attempt.person.assurance === 'verified'
    if (isSure && former !== undefined) {
      const guest = await recovered(claim, attempt, former, replaces)
      if (guest) return guest
    }
    const known = claim.slot?.state === 'orphaned'
    const facts = { cause: error, ...(error.upstream ? { upstream: error.upstream } : {}) }
    if (!resumes && !known && !(isSure && attempt.onDuplicate !== 'reject')) {
      const refused = new GuestpassError(
        'session_exists',
        `${error.message} It is not one that was made here. Wait until it lapses upstream.`,
        facts,
      )
      throw await fail(claim, attempt, refused, before(claim, refused), ['GUEST_CREATE_FAILED'])
    }
    const orphan = new GuestpassError(
      'guest_orphaned',
      `Upstream has a session for this address and channel, and no refresh token of it is stored here: it cannot be taken over. Wait until it lapses upstream, or ask its operator to end it; then ask again. (${error.message})`,
      facts,
    )
    throw await fail(claim, attempt, orphan, orphaned(former), known ? [] : ['GUEST_ORPHANED'])
  }

  /** The session of before, with its next tokens; undefined when it cannot be had. */
  async function recovered(
    claim: Claim,
    attempt: Attempt,
    former: string,
    replaces: string | undefined,
  ): Promise<Live | undefined> {
    const { credential } = await store.find(connection, former)
    if (!credential?.tokens?.refresh || hasEnded(credential)) return undefined
    // What was handed out before ends with the replacement, whoever has it.
    if (replaces !== undefined) await store.commit({ connection, deny: [former] })
    let guest: Live
    try {
      guest = (await parts.sessions.current(former, { newerThan: credential.generation })).credential
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      if (!error.retryable) return undefined
      throw await fail(claim, attempt, error, before(claim, error), ['GUEST_CREATE_FAILED'])
    }
    const done = authenticated(wording, attempt, claim, guest, { told: { recovered: true } })
    const kept = await settle(claim, attempt, { state: 'live', guestId: former }, async () => ({ events: [done] }))
    return kept ? guest : undefined
  }

  /** What an end of the create that brought no guest means. */
  async function failed(
    api: PersonApi,
    attempt: Attempt,
    claim: Claim,
    error: GuestpassError,
    guestId: string | undefined,
  ): Promise<Live> {
    const { former } = claim.decision
    if (error.code === 'session_exists') return conflict(claim, attempt, error)
    if (error.code === 'token_refused') {
      throw await fail(claim, attempt, error, orphaned(former), ['GUEST_ORPHANED'], guestId)
    }
    if (error.code === 'in_doubt' || error.code === 'keys_unavailable') {
      const lost = new GuestpassError(
        'create_in_doubt',
        `${error.message} It is kept in mind: the next request for the same address takes it up.`,
        { cause: error, ...(error.upstream ? { upstream: error.upstream } : {}) },
      )
      throw await fail(claim, attempt, lost, doubt(claim.requestId, former), ['GUEST_CREATE_IN_DOUBT'])
    }
    const refusal = await api.explain(error, attempt.person)
    throw await fail(claim, attempt, refusal, before(claim, refusal), ['GUEST_CREATE_FAILED'])
  }

  return async (api, attempt, opening) => {
    const { person, signal } = attempt
    const look = await checked(api, attempt, opening)
    signal?.throwIfAborted()
    const mine = await claim(attempt, opening)
    if (!mine) return undefined
    const asked: Promise<Lookup> = api.enrichment?.lookup(person.email) ?? Promise.resolve({ outcome: 'off' })
    let made: Received
    let created: Created | undefined
    let lookup: Lookup
    try {
      let sentAt = mine.now()
      created = await api.create(person, mine.requestId, () => (sentAt = mine.now()))
      lookup = await asked
      made = await received(api, attempt, mine, created, sentAt, lookup)
    } catch (thrown) {
      return failed(api, attempt, mine, asGuestpassError(thrown), created?.guestId)
    }
    const told = { crm: lookup.outcome, preflight: look, requestId: mine.requestId }
    const guest = await keep(api, attempt, mine, { made, told, statusCode: created.status, lookup })
    if (!guest) return undefined
    parts.telling.announce({ ...made, credential: guest, events: [], latencyMs: attempt.elapsed() }, mine.now())
    api.enrichment?.begin(guest.id)
    return guest
  }
}

const doubt = (requestId: string, former: string | undefined): Slot => ({
  state: 'in_doubt',
  requestId,
  ...(former === undefined ? {} : { former }),
})

const orphaned = (former: string | undefined): Slot => ({
  state: 'orphaned',
  ...(former === undefined ? {} : { former }),
})

/** Whether a slot may be settled by a claim. Tokens in hand are worth more than somebody else's doubt, not more than their guest. */
const isOurs = (slot: Slot | undefined, { requestId }: Claim, next: Slot | undefined): boolean =>
  (slot?.state === 'creating' && slot.requestId === requestId) || (next?.state === 'live' && slot?.state !== 'live')

/** Events outlive the guest and know it by its subject only. */
const withoutIds = (error: GuestpassError, subject: string, ids: readonly (string | undefined)[]): GuestpassError =>
  new GuestpassError(
    error.code,
    ids.reduce<string>((text, id) => (id === undefined ? text : text.replaceAll(id, subject)), error.message),
    {
      ...(error.upstream ? { upstream: error.upstream } : {}),
      ...(error.reason === undefined ? {} : { reason: error.reason }),
    },
  )
