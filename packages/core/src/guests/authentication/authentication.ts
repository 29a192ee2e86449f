import { documentKind } from '../../domain/document-kinds.ts'
import { type GuestCredential, guestIn, type GuestWithTokens } from '../../domain/credential.ts'
import type { Event } from '../../domain/events/event.ts'
import { applicantData } from '../../domain/events/guest-creates.ts'
import { tokenRequested } from '../../domain/events/guest-tokens.ts'
import type { Instant } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
import { isOwnedBy } from '../../domain/guest-owner.ts'
import type { Meter } from '../../ports/meter.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import { type Attempt, attemptEvents, authenticated } from './attempt.ts'
import { hasToken, withRequestProfile } from './guest-profile.ts'
import { CREATE_AGAIN, type CreationParts } from './creation.ts'
import { createGuest } from './create-guest.ts'
import { recordRefusal } from './create-ledger.ts'
import type { ApplicantApi } from './applicant-api.ts'
import type { OnDuplicate } from '../../upstream/applicant-fields.ts'
import type { Applicant } from '../requests/applicant-request.ts'
import type { Pseudonyms } from './pseudonyms.ts'
import type { TokenAcceptor } from '../tokens/accept-tokens.ts'
import type { GuestSessions } from '../tokens/guest-sessions.ts'
import {
  type CreateDecision,
  type Decision,
  decide,
  isLive,
  reservedGuest,
  type Reservation,
  reservationOf,
} from './guest-reservation.ts'
import type { RemovedGuests } from '../requests/tombstones.ts'
import type { GuestEventRecorder } from '../events/event-recorder.ts'
import { type HeldLock, createKeyedLock } from '../../tokens/renewal/keyed-lock.ts'

interface AuthenticationParts {
  readonly connection: string
  readonly pseudonyms: Pseudonyms
  readonly acceptor: TokenAcceptor
  readonly sessions: GuestSessions
  readonly recorder: GuestEventRecorder
  readonly removed: RemovedGuests
  readonly meter: Meter
  /** What to do for an applicant who has a session, if the request does not say. */
  readonly onDuplicate: OnDuplicate
}

/**
 * Gives an applicant a guest: one for each address and channel, however many calls ask at once.
 *
 * Rejects with `session_exists`, `create_in_doubt`, `guest_orphaned`, `channel_unavailable`, `token_refused`,
 * `upstream_garbled`, and with the errors of access tokens and upstream calls.
 */
export type Authenticate = (
  api: ApplicantApi,
  applicant: Applicant,
  context: Attempt['context'],
) => Promise<GuestWithTokens>

/** One request of an applicant, with what it needs. */
interface ApplicantCall {
  readonly parts: CreationParts
  readonly api: ApplicantApi
  readonly attempt: Attempt
}

/** The stored reservation of an applicant, and the decision that follows from it. */
interface FoundReservation {
  readonly reservation: Reservation | undefined
  readonly revision: number
  readonly guest: GuestCredential | undefined
  readonly guestRevision: number
  readonly now: () => Instant
  readonly decision: Decision
}

/** Failed renewals with these codes are final: the applicant needs a new guest. */
const RENEWAL_IMPOSSIBLE: ReadonlySet<string> = new Set([
  'needs_reauth',
  'refresh_impossible',
  'guest_revoked',
  'in_doubt',
])

export function createAuthenticate(parts: AuthenticationParts, ports: RenewalPorts): Authenticate {
  const { connection, meter, pseudonyms } = parts
  const lockKey = createKeyedLock(connection, ports)
  const creation: CreationParts = { ...parts, eventOf: attemptEvents(connection, ports), ports }

  return async (api, applicant, context) => {
    api.ensureAvailable()
    const key = await pseudonyms.ofApplicant(applicant)
    const person = await pseudonyms.ofPerson(applicant.email)
    const onDuplicate = applicant.onDuplicate ?? parts.onDuplicate
    const attempt: Attempt = { applicant, onDuplicate, key, person, context, elapsed: stopwatch(ports.clock) }
    const call: ApplicantCall = { parts: creation, api, attempt }
    const guest = await authenticate(call, (work) => lockKey(`guest:${key}`, work, context.signal))
    meter.count('guest_authenticated')
    meter.time('guest_authentication_latency', attempt.elapsed())
    return guest
  }
}

/**
 * Serves a request that needs no create without the lock. A create runs under the lock, and is decided again if
 * another process was first.
 */
async function authenticate(
  call: ApplicantCall,
  withLock: (work: (lock: HeldLock) => Promise<GuestWithTokens | undefined>) => Promise<GuestWithTokens | undefined>,
): Promise<GuestWithTokens> {
  const unlocked = await findReservation(call)
  const served = await serveWithoutCreate(call, unlocked)
  if (served) return served
  for (let isFirst = true; ; isFirst = false) {
    // The read without the lock is used once, and only if it found no reservation and no other call ran since. If
    // another process wrote one, the write of the create conflicts.
    const mayUseRead = isFirst && unlocked.reservation === undefined
    const guest = await withLock(async (lock) =>
      serve(call, mayUseRead && !lock.waited ? unlocked : await findReservation(call), lock),
    )
    if (guest) return guest
    call.attempt.context.signal?.throwIfAborted()
  }
}

async function findReservation({ parts, api, attempt }: ApplicantCall): Promise<FoundReservation> {
  const { connection, ports } = parts
  const { key, applicant, onDuplicate } = attempt
  const elapsed = stopwatch(ports.clock)
  const { value, revision } = await ports.store.document(connection, documentKind.reservation, key)
  const reservation = reservationOf(value)
  // Without a reserved guest only the store's time is needed: the key is the id of no credential.
  const found = await ports.store.find(connection, reservedGuest(reservation) ?? key)
  const { now } = found
  const guest = guestIn(found)
  const { assurance, onDoubt = 'refuse' } = applicant
  const issuerNow = ports.issuerNow?.() ?? ports.clock.wall()
  const input = { assurance, onDuplicate, onDoubt, conflicts: api.conflicts, issuerNow }
  const decided = decide(reservation, guest, now, input)
  const isForeign = guest !== undefined && !isOwnedBy(guest, attempt.context.owner)
  const decision = isForeign && isLive(guest, now, issuerNow) ? refusal(guest) : decided
  return { reservation, revision, guest, guestRevision: found.revision, now: () => now + elapsed(), decision }
}

/** The session of an owner is neither given to another one nor replaced for it. */
const refusal = ({ id }: GuestCredential): Decision => ({ do: 'refuse', guestId: id })

/** Serves or refuses a request that needs no create. Undefined: it needs one. */
async function serveWithoutCreate(call: ApplicantCall, found: FoundReservation): Promise<GuestWithTokens | undefined> {
  const { decision } = found
  if (decision.do === 'refuse') return refuse(call, found, sessionExistsError(call.attempt.applicant))
  return decision.do === 'reuse' ? reuseGuest(call, found, decision.guestId) : undefined
}

/** Under the lock: serves what was found, or makes a guest. Undefined: read again. */
async function serve(
  call: ApplicantCall,
  found: FoundReservation,
  lock: HeldLock,
): Promise<GuestWithTokens | undefined> {
  const { parts, api, attempt } = call
  attempt.context.signal?.throwIfAborted()
  const served = await serveWithoutCreate(call, found)
  if (served) return served
  const { decision } = found
  if (decision.do === 'doubt') return refuse(call, found, stillInDoubt())
  const plan = {
    ...found,
    decision: decision.do === 'reuse' ? replacement(decision.guestId) : (decision as CreateDecision),
  }
  return createGuest(parts, api, { attempt, plan, lease: lock.lease })
}

/** The decision to replace a guest that cannot be renewed any more. */
const replacement = (former: string): CreateDecision => ({ do: 'create', resumes: false, former, replaces: true })

/** Records a refused request, and throws the error, which does not name the guest that may exist. */
async function refuse(
  { parts, attempt }: ApplicantCall,
  { guest, now }: FoundReservation,
  error: GuestpassError,
): Promise<never> {
  await recordRefusal(parts, attempt, guest?.subject ?? parts.ports.random.uuid(), now(), error)
  throw error
}

const sessionExistsError = ({ api, channelId }: Applicant): GuestpassError =>
  new GuestpassError(
    'session_exists',
    `The address has a ${channelId === undefined ? `guest of ${api}` : 'session on this channel'}. A request with a verified address can reuse or replace it.`,
  )

const stillInDoubt = (): GuestpassError =>
  new GuestpassError(
    'create_in_doubt',
    `The answer to an earlier create for this address was lost, and this API would make a second guest. ${CREATE_AGAIN}`,
  )

/**
 * Gives the applicant's guest, valid now, with what this request adds. Undefined: it can no longer be
 * renewed.
 */
async function reuseGuest(
  call: ApplicantCall,
  { now }: FoundReservation,
  guestId: string,
): Promise<GuestWithTokens | undefined> {
  const { parts, attempt } = call
  const { connection, eventOf, ports, sessions } = parts
  await ports.store.touch(connection, guestId)
  let guest: GuestWithTokens
  try {
    // A background renewal would store the former profile over that of this request, so the renewal comes first.
    guest = (await sessions.current(guestId, { early: true }, attempt.context)).credential
  } catch (thrown) {
    if (RENEWAL_IMPOSSIBLE.has(asGuestpassError(thrown).code)) return undefined
    throw thrown
  }
  const [about, { id, at }] = eventOf(attempt, guest.subject, now())
  const { api, ...request } = applicantData(attempt.applicant)
  const requested = tokenRequested(about, { id, at, guest: { api, generation: guest.generation, request } })
  await ports.store.commit({ connection, events: [requested] })
  return storeReuse(call, guestId, now, requested)
}

/** Stores what this request adds to a reused guest. Undefined: the guest has lost its token meanwhile. */
async function storeReuse(
  { parts, api, attempt }: ApplicantCall,
  guestId: string,
  now: () => Instant,
  requested: Event,
): Promise<GuestWithTokens | undefined> {
  const { connection, eventOf, ports } = parts
  for (;;) {
    const found = await ports.store.find(connection, guestId)
    const guest = guestIn(found)
    if (!hasToken(guest)) return undefined
    const next = withRequestProfile(guest, attempt, now())
    const result = { reused: true } as const
    const outcome = await ports.store.commit({
      connection,
      writes: [{ credential: next, expect: { generation: next.generation, revision: found.revision } }],
      documents: api.enrichment ? [await api.enrichment.pendingWrite(guestId, { outcome: 'off' })] : [],
      events: [authenticated(eventOf, attempt, { now, trail: [requested] }, next, { result })],
    })
    if (outcome === 'conflict') continue
    api.enrichment?.start(guestId)
    return next
  }
}
