import type { Credential } from '../../domain/credential.ts'
import { rowOf } from '../../domain/guest-id.ts'
import { sealedProfile } from '../../domain/profile.ts'
import { iso } from '../../domain/time.ts'
import { asGuestpassError, causedBy, GuestpassError } from '../../domain/errors.ts'
import type { Lease } from '../../tokens/renewal/lease.ts'
import type { Live } from '../../tokens/renewal/renewal.ts'
import type { Attempt } from './attempt.ts'
import { profileOf } from './brought.ts'
import type { Look } from './channels.ts'
import { fail, type Failure, formerOf, giveBack, open, type Opening, slotBefore } from './create-ledger.ts'
import { CREATE_AGAIN, type Creating, type CreationParts } from './creating.ts'
import type { Lookup } from '../enrichment/enrichment.ts'
import { type Answered, kept, sameGuest } from './made-guest.ts'
import type { ApplicantApi } from './applicant-api.ts'
import type { Received } from '../tokens/accept-tokens.ts'
import { sentCreate } from './sent-create.ts'
import type { Slot } from './guest-reservation.ts'
import { takeover } from './session-recovery.ts'

/**
 * Makes a guest upstream, once: checked, written down under its key, looked at again before it is sent, and stored with the end of its
 * key in one write. Undefined: another process was first, look again.
 */
export async function create(
  parts: CreationParts,
  api: ApplicantApi,
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
async function checked(parts: CreationParts, api: ApplicantApi, attempt: Attempt, { now }: Opening): Promise<Look> {
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
    profile: sealedProfile({ ...profileOf(attempt.person, lookup), upstream: created.upstream }),
    createdAt: sentAt,
    ...(upstreamId === undefined ? {} : { upstreamId }),
  }
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
const createInDoubt = (cause: GuestpassError, { conflicts }: ApplicantApi): GuestpassError =>
  new GuestpassError(
    'create_in_doubt',
    `${cause.message} ${conflicts ? 'The next request for the same address takes it up.' : CREATE_AGAIN}`,
    causedBy(cause),
  )
