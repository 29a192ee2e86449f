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
  DUPLICATE,
  reservedGuest,
  type Reservation,
  reservationOf,
} from './guest-reservation.ts'
import type { GuestEventRecorder } from '../events/event-recorder.ts'
import { type HeldLock, createKeyedLock } from '../../tokens/renewal/keyed-lock.ts'

export interface AuthenticationParts {
  readonly connection: string
  readonly pseudonym: Pseudonym
  readonly reception: TokenAcceptor
  readonly sessions: GuestSessions
  readonly recorder: GuestEventRecorder
  readonly meter: Meter
  /** What becomes of a request for somebody who has a session, where the request does not say. */
  readonly onDuplicate: OnDuplicate
}

/**
 * Gives an applicant a guest: one for each address and channel, however many ask at once. Rejects with `session_exists`,
 * `create_in_doubt`, `guest_orphaned`, `channel_unavailable`, `token_refused`, `upstream_garbled` and the codes of token and upstream.
 */
export type Authenticate = (
  api: ApplicantApi,
  applicant: Applicant,
  context: Attempt['context'],
) => Promise<GuestWithTokens>

/** What a request needs from its beginning to its end. */
interface Asking {
  readonly parts: CreationParts
  readonly api: ApplicantApi
  readonly attempt: Attempt
}

/** What stands under the key of an attempt. */
interface Found {
  readonly reservation: Reservation | undefined
  readonly revision: number
  readonly guest: GuestCredential | undefined
  readonly now: () => Instant
  readonly decision: Decision
}

/** Failures of a renewal after which only a new guest will do. */
const OVER: ReadonlySet<string> = new Set(['needs_reauth', 'refresh_impossible', 'guest_revoked', 'in_doubt'])

export function authentication(parts: AuthenticationParts, ports: RenewalPorts): Authenticate {
  const { connection, meter, pseudonym } = parts
  const inTurn = createKeyedLock(connection, ports)
  const creation: CreationParts = { ...parts, eventOf: attemptEvents(connection, ports), ports }

  return async (api, applicant, context) => {
    api.available()
    const key = await pseudonym(applicant)
    const onDuplicate = applicant.onDuplicate ?? parts.onDuplicate
    const attempt: Attempt = { applicant, onDuplicate, key, context, elapsed: stopwatch(ports.clock) }
    const asking: Asking = { parts: creation, api, attempt }
    const guest = await authenticate(asking, (work) => inTurn(`guest:${key}`, work, context.signal))
    meter.count('guest_authenticated')
    meter.time('guest_authentication_latency', attempt.elapsed())
    return guest
  }
}

/** Looks, and serves what needs no create at once; all else in turn, looking anew whenever another process was first. */
async function authenticate(
  asking: Asking,
  inTurn: (work: (turn: HeldLock) => Promise<GuestWithTokens | undefined>) => Promise<GuestWithTokens | undefined>,
): Promise<GuestWithTokens> {
  let found: Found | undefined = await look(asking)
  const served = await servedAtOnce(asking, found)
  if (served) return served
  for (;;) {
    const seen: Found | undefined = found
    found = undefined
    const guest = await inTurn(async (turn) => {
      // There was nothing, and no other caller was first: the look still holds, or the create cannot be written down.
      const isFirst = seen !== undefined && seen.reservation === undefined && !turn.waited
      return serve(asking, isFirst ? seen : await look(asking), turn)
    })
    if (guest) return guest
    asking.attempt.context.signal?.throwIfAborted()
  }
}

async function look({ parts, api, attempt }: Asking): Promise<Found> {
  const { connection, ports } = parts
  const { key, applicant, onDuplicate } = attempt
  const elapsed = stopwatch(ports.clock)
  const { value, revision } = await ports.store.document(connection, DUPLICATE, key)
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

/** What needs no create and no turn; undefined: the rest. */
async function servedAtOnce(asking: Asking, found: Found): Promise<GuestWithTokens | undefined> {
  const { decision } = found
  if (decision.do === 'refuse') throw await refused(asking, found, sessionExists())
  return decision.do === 'reuse' ? reused(asking, found, decision.guestId) : undefined
}

/** In turn: what was found is served, or a guest is made. Undefined: look again. */
async function serve(asking: Asking, found: Found, turn: HeldLock): Promise<GuestWithTokens | undefined> {
  const { parts, api, attempt } = asking
  attempt.context.signal?.throwIfAborted()
  const served = await servedAtOnce(asking, found)
  if (served) return served
  const { decision } = found
  if (decision.do === 'doubt') throw await refused(asking, found, stillInDoubt())
  const opening = {
    ...found,
    decision: decision.do === 'reuse' ? instead(decision.guestId) : (decision as CreateDecision),
  }
  return createGuest(parts, api, { attempt, opening, lease: turn.lease })
}

/** A guest in the place of one that cannot be renewed any more. */
const instead = (former: string): CreateDecision => ({ do: 'create', resumes: false, former, replaces: true })

/** Records a request that gets nothing, not even the id of the guest there may be. Gives the error to throw. */
async function refused(
  { parts, attempt }: Asking,
  { guest, now }: Found,
  error: GuestpassError,
): Promise<GuestpassError> {
  await recordRefusal(parts, attempt, guest?.subject ?? parts.ports.random.uuid(), now(), error)
  return error
}

const sessionExists = (): GuestpassError =>
  new GuestpassError(
    'session_exists',
    'A session for this address and channel exists. If the address is verified, it can be reused or replaced.',
  )

const stillInDoubt = (): GuestpassError =>
  new GuestpassError(
    'create_in_doubt',
    `The answer to an earlier create for this address was lost, and this API would make a second guest. ${CREATE_AGAIN}`,
  )

/** What the applicant has, valid now, with what this request brings; undefined when that can be had no longer. */
async function reused(asking: Asking, { now }: Found, guestId: string): Promise<GuestWithTokens | undefined> {
  const { parts, attempt } = asking
  const { connection, eventOf, ports, sessions } = parts
  await ports.store.touch(connection, guestId)
  let guest: GuestWithTokens
  try {
    // A renewal that ran behind this request would store the profile as it was.
    guest = (await sessions.current(guestId, { early: true }, attempt.context)).credential
  } catch (thrown) {
    if (OVER.has(asGuestpassError(thrown).code)) return undefined
    throw thrown
  }
  const [about, { id, at }] = eventOf(attempt, guest.subject, now())
  const { api, ...request } = applicantData(attempt.applicant)
  const begun = tokenRequested(about, { id, at, guest: { api, generation: guest.generation, request } })
  await ports.store.commit({ connection, events: [begun] })
  return keptReused(asking, guestId, now, begun)
}

async function keptReused(
  { parts, api, attempt }: Asking,
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
