import type { GuestCredential, GuestWithTokens } from '../../domain/credential.ts'
import { rowOf } from '../requests/guest-row.ts'
import { guestCreateFailed, guestCreateInDoubt, guestOrphaned } from '../../domain/events/guest-creates.ts'
import { profileSecret } from '../../domain/profile.ts'
import { iso } from '../../domain/time.ts'
import { asGuestpassError, causedBy, GuestpassError } from '../../domain/errors.ts'
import type { Lease } from '../../tokens/renewal/lease.ts'
import type { Attempt } from './attempt.ts'
import { requestProfile } from './guest-profile.ts'
import type { ChannelStatus } from './channel-preflight.ts'
import {
  recordRefusal,
  settleFailure,
  type CreateFailure,
  formerGuest,
  withdrawEntry,
  writeEntry,
  type CreatePlan,
  reservationAfterRefusal,
} from './create-ledger.ts'
import { CREATE_AGAIN, type Creation, type CreationParts } from './creation.ts'
import type { CrmLookup } from '../enrichment/crm-lookup.ts'
import { type Answered, storeCreatedGuest, sameGuest } from './store-created-guest.ts'
import type { ApplicantApi } from './applicant-api.ts'
import type { AcceptedTokens } from '../tokens/accept-tokens.ts'
import { sendCreate } from './send-create.ts'
import type { Reservation } from './guest-reservation.ts'
import { recoverSession } from './session-recovery.ts'

/**
 * Makes a guest upstream exactly once: checks what it needs, stores an entry, reads the entry again before it
 * sends, and stores the guest with the settled entry in one write. Undefined: another process was first, read
 * again.
 */
export async function createGuest(
  parts: CreationParts,
  api: ApplicantApi,
  { attempt, plan, lease }: { readonly attempt: Attempt; readonly plan: CreatePlan; readonly lease: Lease },
): Promise<GuestWithTokens | undefined> {
  const preflight = await checkBeforeCreate(parts, api, attempt, plan)
  attempt.context.signal?.throwIfAborted()
  const entry = await writeEntry(parts, attempt, plan)
  if (!entry) return undefined
  const crmLookup = api.enrichment?.askCrm(attempt.applicant.email) ?? Promise.resolve({ outcome: 'off' } as const)
  const creation: Creation = { parts, api, entry, crmLookup }
  const sent = await sendCreate(api, entry, lease, { ...parts.ports, connection: parts.connection })
  if (sent.end === 'superseded') return withdrawEntry(parts, entry)
  if (sent.end === 'failed') {
    if (sent.error.code === 'session_exists') return recoverSession(creation, sent.error)
    throw await failedCreate(creation, sent.error)
  }
  const lookup = await crmLookup
  const made = await acceptedTokens(creation, sent, lookup)
  return storeCreatedGuest(creation, {
    made,
    answer: sent,
    lookup,
    result: { crm: lookup.outcome, preflight, requestId: entry.requestId },
  })
}

/** Checks the channel, the keys and the store before anything is stored. */
async function checkBeforeCreate(
  parts: CreationParts,
  api: ApplicantApi,
  attempt: Attempt,
  { now }: CreatePlan,
): Promise<ChannelStatus> {
  try {
    const preflight = await api.before(attempt.applicant)
    // The upstream gives the answer once: it must be possible to verify and store it.
    await parts.acceptor.ensureVerifiable(api.format)
    await parts.ports.store.ensureRoom()
    return preflight
  } catch (thrown) {
    const error = asGuestpassError(thrown)
    await recordRefusal(parts, attempt, parts.ports.random.uuid(), now(), error)
    throw error
  }
}

/** The guest as this store keeps it, its tokens verified. */
async function acceptedTokens(creation: Creation, answer: Answered, lookup: CrmLookup): Promise<AcceptedTokens> {
  const { parts, api, entry } = creation
  const { created, sentAt } = answer
  const { format, renewable } = api
  const requirements = { subject: created.guestId, scopes: [], format, renewable, sentAt }
  try {
    return await parts.acceptor.accept(newGuestOf(creation, answer, lookup), created, requirements, entry.now)
  } catch (thrown) {
    throw await settleFailure(parts, entry, unusableTokens(creation, asGuestpassError(thrown), created.guestId))
  }
}

function newGuestOf({ parts, entry }: Creation, { created, sentAt }: Answered, lookup: CrmLookup): GuestCredential {
  const { attempt, subject } = entry
  const { api, channelId, assurance, consent } = attempt.applicant
  // The same guest keeps its row, which a former version may have given another id.
  const { id = rowOf(api, created.guestId), upstreamId } = sameGuest(entry, created.guestId) ?? {}
  return {
    connection: parts.connection,
    id,
    kind: 'guest',
    api,
    subject,
    generation: 0,
    status: 'active',
    request: {
      assurance,
      ...(channelId === undefined ? {} : { channelId }),
      ...(consent ? { consentTimestamp: iso(sentAt) } : {}),
    },
    profile: profileSecret({ ...requestProfile(attempt.applicant, lookup), upstream: created.upstream }),
    person: attempt.person,
    createdAt: sentAt,
    ...(attempt.context.owner === undefined ? {} : { owner: attempt.context.owner }),
    ...(upstreamId === undefined ? {} : { upstreamId }),
  }
}

/** The outcome of a create whose tokens came and cannot be used. */
function unusableTokens(creation: Creation, error: GuestpassError, guestId: string): CreateFailure {
  const next: Reservation = { state: 'orphaned', ...formerGuest(creation.entry.decision) }
  if (error.code === 'token_refused') return { error, next, events: [guestOrphaned], guestId }
  // Tokens that could not be verified now count as a lost answer.
  return { ...inDoubt(creation, error), guestId }
}

/** Stores the outcome of a create that made no guest, and gives the error to throw. */
async function failedCreate(creation: Creation, error: GuestpassError): Promise<GuestpassError> {
  const { parts, api, entry } = creation
  if (error.code === 'in_doubt') return settleFailure(parts, entry, inDoubt(creation, error))
  const refusal = await api.explain(error, entry.attempt.applicant)
  const next = reservationAfterRefusal(entry, refusal)
  return settleFailure(parts, entry, { error: refusal, next, events: [guestCreateFailed] })
}

function inDoubt({ api, entry }: Creation, cause: GuestpassError): CreateFailure {
  const next: Reservation = { state: 'in_doubt', requestId: entry.requestId, ...formerGuest(entry.decision) }
  return { error: createInDoubt(cause, api), next, events: [guestCreateInDoubt] }
}

/** The error of a create that may have taken effect upstream. */
const createInDoubt = (cause: GuestpassError, { conflicts }: ApplicantApi): GuestpassError =>
  new GuestpassError(
    'create_in_doubt',
    `${cause.message} ${conflicts ? 'The next request for the same address resumes it.' : CREATE_AGAIN}`,
    causedBy(cause),
  )
