import { documentKind } from '../../domain/document-kinds.ts'
import { type GuestCredential, guestIn, type GuestWithTokens } from '../../domain/credential.ts'
import type { Event } from '../../domain/events/event.ts'
import { applicantData } from '../../domain/events/guest-creates.ts'
import { tokenRequested } from '../../domain/events/guest-tokens.ts'
import type { Instant } from '../../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../../domain/errors.ts'
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
import type { Pseudonym } from './pseudonyms.ts'
import type { TokenAcceptor } from '../tokens/accept-tokens.ts'
import type { GuestSessions } from '../tokens/guest-sessions.ts'
import {
  type CreateDecision,
  type Decision,
  decide,
  reservedGuest,
  type Reservation,
  reservationOf,
} from './guest-reservation.ts'
import type { GuestEventRecorder } from '../events/event-recorder.ts'
import { type HeldLock, createKeyedLock } from '../../tokens/renewal/keyed-lock.ts'

export interface AuthenticationParts {
  readonly connection: string
  readonly pseudonym: Pseudonym
  readonly acceptor: TokenAcceptor
  readonly sessions: GuestSessions
  readonly recorder: GuestEventRecorder
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
  const { connection, meter, pseudonym } = parts
  const locked = createKeyedLock(connection, ports)
  const creation: CreationParts = { ...parts, eventOf: attemptEvents(connection, ports), ports }

  return async (api, applicant, context) => {
    api.ensureAvailable()
    const key = await pseudonym(applicant)
    const onDuplicate = applicant.onDuplicate ?? parts.onDuplicate
    const attempt: Attempt = { applicant, onDuplicate, key, context, elapsed: stopwatch(ports.clock) }
    const call: ApplicantCall = { parts: creation, api, attempt }
    const guest = await authenticate(call, (work) => locked(`guest:${key}`, work, context.signal))
    meter.count('guest_authenticated')
    meter.time('guest_authentication_latency', attempt.elapsed())
    return guest
  }
}

/**
 * Serves at once what needs no create. A create runs under the lock, and reads again if another process was
 * first.
 */
async function authenticate(
  call: ApplicantCall,
  locked: (work: (lock: HeldLock) => Promise<GuestWithTokens | undefined>) => Promise<GuestWithTokens | undefined>,
): Promise<GuestWithTokens> {
  let found: FoundReservation | undefined = await findReservation(call)
  const served = await serveWithoutCreate(call, found)
  if (served) return served
  for (;;) {
    const seen: FoundReservation | undefined = found
    found = undefined
    const guest = await locked(async (lock) => {
      // No reservation, and no other call was first: the read still holds, or the write of the create will
      // conflict.
      const isFirst = seen !== undefined && seen.reservation === undefined && !lock.waited
      return serve(call, isFirst ? seen : await findReservation(call), lock)
    })
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
  // A key names no credential: then only the store's time is read.
  const found = await ports.store.find(connection, reservedGuest(reservation) ?? key)
  const [guest, { now }] = [guestIn(found), found]
  const { assurance, onDoubt = 'refuse' } = applicant
  const issuerNow = ports.issuerNow?.() ?? ports.clock.wall()
  const asked = { assurance, onDuplicate, onDoubt, conflicts: api.conflicts, issuerNow }
  const decision = decide(reservation, guest, now, asked)
  return { reservation, revision, guest, now: () => now + elapsed(), decision }
}

/** Serves or refuses a request that needs no create. Undefined: it needs one. */
async function serveWithoutCreate(call: ApplicantCall, found: FoundReservation): Promise<GuestWithTokens | undefined> {
  const { decision } = found
  if (decision.do === 'refuse') throw await refused(call, found, sessionExists())
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
  if (decision.do === 'doubt') throw await refused(call, found, stillInDoubt())
  const plan = {
    ...found,
    decision: decision.do === 'reuse' ? replacement(decision.guestId) : (decision as CreateDecision),
  }
  return createGuest(parts, api, { attempt, plan, lease: lock.lease })
}

/** Decides to replace a guest that cannot be renewed any more. */
const replacement = (former: string): CreateDecision => ({ do: 'create', resumes: false, former, replaces: true })

/**
 * Records a refused request, and gives the error to throw. The error does not name the guest that may exist.
 */
async function refused(
  { parts, attempt }: ApplicantCall,
  { guest, now }: FoundReservation,
  error: GuestpassError,
): Promise<GuestpassError> {
  await recordRefusal(parts, attempt, guest?.subject ?? parts.ports.random.uuid(), now(), error)
  return error
}

const sessionExists = (): GuestpassError =>
  new GuestpassError(
    'session_exists',
    'The address has a session on this channel. A request with a verified address can reuse or replace it.',
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
    // Renewed first: a background renewal would store the former profile over this one.
    guest = (await sessions.current(guestId, { early: true }, attempt.context)).credential
  } catch (thrown) {
    if (RENEWAL_IMPOSSIBLE.has(asGuestpassError(thrown).code)) return undefined
    throw thrown
  }
  const [about, { id, at }] = eventOf(attempt, guest.subject, now())
  const { api, ...request } = applicantData(attempt.applicant)
  const begun = tokenRequested(about, { id, at, guest: { api, generation: guest.generation, request } })
  await ports.store.commit({ connection, events: [begun] })
  return storeReuse(call, guestId, now, begun)
}

async function storeReuse(
  { parts, api, attempt }: ApplicantCall,
  guestId: string,
  now: () => Instant,
  begun: Event,
): Promise<GuestWithTokens | undefined> {
  const { connection, eventOf, ports } = parts
  for (;;) {
    const found = await ports.store.find(connection, guestId)
    const guest = guestIn(found)
    if (!hasToken(guest)) return undefined
    const next = withRequestProfile(guest, attempt.applicant, now())
    const result = { reused: true } as const
    const outcome = await ports.store.commit({
      connection,
      writes: [{ credential: next, expect: { generation: next.generation, revision: found.revision } }],
      documents: api.enrichment ? [await api.enrichment.pendingWrite(guestId, { outcome: 'off' })] : [],
      events: [authenticated(eventOf, attempt, { now, trail: [begun] }, next, { result })],
    })
    if (outcome === 'conflict') continue
    api.enrichment?.start(guestId)
    return next
  }
}
