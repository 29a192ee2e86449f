import type { Credential } from '../domain/credential.ts'
import { guestIdOf, rowOf } from '../domain/guest-id.ts'
import type { Json } from '../domain/json.ts'
import { ended, hasEnded } from '../domain/plan.ts'
import { openProfile, sealedProfile } from '../domain/profile.ts'
import { iso } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import type { Change } from '../ports/store.ts'
import type { Lease } from '../tokens/lease.ts'
import { unsaved } from '../tokens/keep-trying.ts'
import type { Live } from '../tokens/renewal.ts'
import { type Attempt, authenticated } from './attempt.ts'
import { profileOf } from './brought.ts'
import type { Look } from './channels.ts'
import { type Claim, fail, type Failure, formerOf, giveBack, open, type Opening, settle, slotBefore } from './claims.ts'
import { CREATE_AGAIN, type Creating, type CreationParts } from './creating.ts'
import { revocationChange } from './ending.ts'
import type { Lookup } from './enrichment.ts'
import type { PersonApi } from './person-api.ts'
import { placeFor } from './place.ts'
import type { Received } from './reception.ts'
import { type Sent, sentCreate } from './sent-create.ts'
import type { Slot } from './slot.ts'
import { takeover } from './takeover.ts'

/** The row of a guest, and what it holds. */
interface Row {
  readonly row: string
  readonly credential?: Credential | undefined
}

type Answered = Extract<Sent, { readonly end: 'answered' }>

/** What a create that was answered brought. */
interface Outcome {
  readonly made: Received
  readonly answer: Answered
  readonly lookup: Lookup
  readonly told: Readonly<Record<string, Json>>
}

/**
 * Makes a guest upstream, once: checked, written down under its key, looked at again before it is sent, and stored with the end of its
 * key in one write. Undefined: another process was first, look again.
 */
export async function create(
  parts: CreationParts,
  api: PersonApi,
  { attempt, opening, lease }: { readonly attempt: Attempt; readonly opening: Opening; readonly lease: Lease },
): Promise<Live | undefined> {
  const preflight = await checked(parts, api, attempt, opening)
  attempt.context.signal?.throwIfAborted()
  const claim = await open(parts, attempt, opening)
  if (!claim) return undefined
  const asked = api.enrichment?.lookup(attempt.person.email) ?? Promise.resolve({ outcome: 'off' } as const)
  const creating: Creating = { parts, api, claim, asked }
  const sent = await sentCreate(api, claim, lease, { ...parts.ports, connection: parts.connection })
  if (sent.end === 'superseded') return giveBack(parts, claim)
  if (sent.end === 'failed') {
    if (sent.error.code === 'session_exists') return takeover(creating, sent.error)
    throw await failed(creating, sent.error)
  }
  const lookup = await asked
  const made = await received(creating, sent, lookup)
  return kept(creating, {
    made,
    answer: sent,
    lookup,
    told: { crm: lookup.outcome, preflight, requestId: claim.requestId },
  })
}

/** What must be known before anything is written down. */
async function checked(parts: CreationParts, api: PersonApi, attempt: Attempt, { now }: Opening): Promise<Look> {
  try {
    const look = await api.before(attempt.person)
    // The answer to a create cannot be asked for again, and must be verified and stored when it comes.
    await parts.reception.ready(api.format)
    await parts.ports.store.ensureRoom()
    return look
  } catch (thrown) {
    const error = asGuestpassError(thrown)
    const { connection, meter, wording, ports } = parts
    meter.count('guest_authentication_failed')
    const told = { type: 'guest.authentication', outcome: 'failure', subject: ports.random.uuid(), error } as const
    await ports.store.commit({ connection, events: [wording(attempt, now(), told)] })
    throw error
  }
}

/** The guest that upstream made, in our words, its tokens verified. */
async function received(creating: Creating, answer: Answered, lookup: Lookup): Promise<Received> {
  const { parts, api, claim } = creating
  const { created, sentAt } = answer
  const { format, renewable } = api
  const terms = { subject: created.guestId, scopes: [], format, renewable, sentAt }
  try {
    return await parts.reception.receive(blank(creating, answer, lookup), created, terms, claim.now)
  } catch (thrown) {
    throw await fail(parts, claim, notReceived(creating, asGuestpassError(thrown), created.guestId))
  }
}

/** The guest of before, where upstream names it again. */
const sameGuest = ({ attempt, guest }: Claim, guestId: string): Credential | undefined =>
  guest?.api === attempt.person.api && guestIdOf(guest) === guestId ? guest : undefined

function blank({ parts, claim }: Creating, { created, sentAt }: Answered, lookup: Lookup): Credential {
  const { attempt, subject } = claim
  const { api, channelId, assurance, consent } = attempt.person
  // It keeps its row, which a former version may have named otherwise.
  const { id = rowOf(api, created.guestId), upstreamId } = sameGuest(claim, created.guestId) ?? {}
  return {
    connection: parts.connection,
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
    profile: sealedProfile(profileOf(attempt.person, lookup)),
    createdAt: sentAt,
    ...(upstreamId === undefined ? {} : { upstreamId }),
  }
}

/** Stores a guest with everything that belongs to it; undefined when another process has taken the key over. */
async function kept(creating: Creating, outcome: Outcome): Promise<Live | undefined> {
  const { parts, api, claim } = creating
  const { made, answer } = outcome
  const { store } = parts.ports
  const { guestId } = answer.created
  // Nearly always the guest is new and the former one as it was seen: both are looked at only when that is not so.
  let place: Row = { row: made.credential.id, credential: sameGuest(claim, guestId) }
  let former = claim.decision.former === undefined ? undefined : claim.guest
  for (let revision: number | undefined = answer.revision; ; revision = undefined) {
    const base = place.credential
    if (base && hasEnded(base)) throw await refuseEnded(creating, base, made)
    if (base && !isOf(base, claim)) throw await refuseForeign(creating, guestId)
    const next = succeeding(made.credential, place)
    const change = await storing(creating, outcome, { next, place, former, isFirst: revision !== undefined })
    const settled = await settle(parts, claim, {
      next: { state: 'live', guestId: next.id },
      change,
      revision,
      hasTokens: true,
    }).catch((thrown: unknown) => {
      throw unsaved(thrown, next)
    })
    if (settled === 'done') {
      const latencyMs = claim.attempt.elapsed()
      parts.telling.announce({ ...made, credential: next, events: [], latencyMs }, claim.now())
      api.enrichment?.begin(next.id)
      return next
    }
    if (settled === 'taken') return orphaned(creating)
    place = await rowFor(creating, guestId)
    former = former && (await store.find(parts.connection, former.id)).credential
  }
}

async function rowFor({ parts, claim }: Creating, guestId: string): Promise<Row> {
  const { connection, ports } = parts
  const same = sameGuest(claim, guestId)
  if (same) return { row: same.id, credential: (await ports.store.find(connection, same.id)).credential }
  return placeFor(connection, claim.attempt.person.api, guestId, ports.store)
}

/** Whether a guest was made for the very person and channel. */
const isOf = ({ id, profile, request }: Credential, { attempt: { person }, guest }: Claim): boolean =>
  id === guest?.id || (openProfile(profile)['email'] === person.email && request?.['channelId'] === person.channelId)

/** The guest as the next generation of its row. */
function succeeding(made: Live, { row, credential: base = made }: Row): Live {
  const { subject, createdAt, aliveUntil = 0, generation, shared } = base
  return {
    ...made,
    id: row,
    subject,
    createdAt,
    aliveUntil: Math.max(aliveUntil, made.aliveUntil ?? 0),
    generation: generation + 1,
    ...(shared ? { shared } : {}),
  }
}

async function storing(
  { parts, api, claim }: Creating,
  { made, told, lookup, answer }: Outcome,
  of: {
    readonly next: Live
    readonly place: Row
    readonly former: Credential | undefined
    /** Nothing was in the way yet. */
    readonly isFirst: boolean
  },
): Promise<Omit<Change, 'connection'>> {
  const { next, place, former, isFirst } = of
  const done = authenticated(parts.wording, claim.attempt, claim, next, { told, statusCode: answer.created.status })
  const ends = ending(parts, claim, next, former)
  const generation = next.generation - 1
  const expect = place.credential ? { generation } : { generation, revision: 0 }
  return {
    writes: [{ credential: next, expect }, ...ends.writes],
    documents: api.enrichment ? [await api.enrichment.pending(next.id, lookup, isFirst && generation === 0)] : [],
    events: [...ends.events, done],
    deny: ends.deny,
    issued: made.issued.map((one) => ({ ...one, credential: next.id })),
  }
}

/** What ends the guest that a new one replaces. */
function ending(
  { telling, ports }: CreationParts,
  { now, attempt, decision: { former, replaces } }: Claim,
  next: Live,
  guest: Credential | undefined,
): Required<Pick<Change, 'writes' | 'events' | 'deny'>> {
  const nothing = { writes: [], events: [], deny: [] }
  if (former === undefined || !replaces) return nothing
  // The same guest again: only its former tokens end.
  if (former === next.id) return { ...nothing, deny: [former] }
  if (!guest || hasEnded(guest)) return nothing
  return revocationChange(guest, telling.about(guest, attempt.context), now(), ports)
}

/** Another process has stored its guest: upstream has this one beside it. */
async function orphaned({ parts, claim }: Creating): Promise<undefined> {
  const { connection, wording, ports } = parts
  const { attempt, subject, now, requestId } = claim
  const data = { requestId }
  const lost = wording(attempt, now(), { type: 'GUEST_ORPHANED', outcome: 'failure', subject, data })
  await ports.store.commit({ connection, events: [lost] })
  return undefined
}

/** Upstream named a guest that was ended here, and stays ended: nobody gets its token, and no verifier takes it. */
async function refuseEnded(
  { parts, claim }: Creating,
  guest: Credential,
  { issued }: Received,
): Promise<GuestpassError> {
  const { connection, ports } = parts
  await ports.store.commit({ connection, issued: issued.map((one) => ({ ...one, credential: guest.id })) })
  await ports.store.commit({ connection, deny: [guest.id] })
  const guestId = guestIdOf(guest)
  return fail(parts, claim, { error: ended(guest), next: undefined, types: ['GUEST_ORPHANED'], guestId })
}

/** Upstream named a guest of somebody else: its session stays as it is, and nobody gets the token that came. */
function refuseForeign({ parts, claim }: Creating, guestId: string): Promise<GuestpassError> {
  const error = new GuestpassError(
    'upstream_garbled',
    'The upstream gave the new guest the id of another guest. The token was thrown away, and the other guest is unchanged. Ask the operator of the upstream how its guest ids are made.',
  )
  const next: Slot = { state: 'orphaned', ...formerOf(claim.decision) }
  return fail(parts, claim, { error, next, types: ['GUEST_ORPHANED'], guestId })
}

/** The end of a create whose tokens came and cannot be used. */
function notReceived(creating: Creating, error: GuestpassError, guestId: string): Failure {
  const next: Slot = { state: 'orphaned', ...formerOf(creating.claim.decision) }
  if (error.code === 'token_refused') return { error, next, types: ['GUEST_ORPHANED'], guestId }
  // Tokens that could not be verified are as good as lost.
  return { ...inDoubt(creating, error), guestId }
}

/** The end of a create that brought no guest, stored. */
async function failed(creating: Creating, error: GuestpassError): Promise<GuestpassError> {
  const { parts, api, claim } = creating
  if (error.code === 'in_doubt') return fail(parts, claim, inDoubt(creating, error))
  const refusal = await api.explain(error, claim.attempt.person)
  const next = slotBefore(claim, refusal)
  return fail(parts, claim, { error: refusal, next, types: ['GUEST_CREATE_FAILED'] })
}

function inDoubt({ api, claim }: Creating, cause: GuestpassError): Failure {
  const next: Slot = { state: 'in_doubt', requestId: claim.requestId, ...formerOf(claim.decision) }
  return { error: createInDoubt(cause, api), next, types: ['GUEST_CREATE_IN_DOUBT'] }
}

/** The error of a create of which it is not known whether the upstream made the guest. */
const createInDoubt = (cause: GuestpassError, { conflicts }: PersonApi): GuestpassError =>
  new GuestpassError(
    'create_in_doubt',
    `${cause.message} ${conflicts ? 'The next request for the same address takes it up.' : CREATE_AGAIN}`,
    { cause, ...(cause.upstream ? { upstream: cause.upstream } : {}) },
  )
