import { type GuestCredential, guestIn, type GuestWithTokens } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import type { Event } from '../../domain/events/event.ts'
import { type AuthenticationResult, guestOrphaned } from '../../domain/events/guest-creates.ts'
import { endedError, hasEnded } from '../../domain/plan.ts'
import { profileIn } from '../../domain/profile.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Change, Store } from '../../ports/store.ts'
import { unsavedError } from '../../tokens/renewal/commit-until-stored.ts'
import { authenticated } from './attempt.ts'
import { type LedgerEntry, settleFailure, formerGuest, settle } from './create-ledger.ts'
import type { Creation, CreationParts } from './creation.ts'
import { denyLateTokens, revocationChange } from '../tokens/revocation.ts'
import { endedRequest } from '../tokens/ended-request.ts'
import type { CrmLookup } from '../enrichment/crm-lookup.ts'
import { findGuestRow } from '../requests/guest-row.ts'
import { nextGeneration } from '../tokens/next-generation.ts'
import type { AcceptedTokens } from '../tokens/accept-tokens.ts'
import type { SendResult } from './send-create.ts'
import type { Reservation } from './guest-reservation.ts'

/** The row of a guest, and what it holds. */
interface GuestPlace {
  readonly row: string
  readonly credential?: GuestCredential | undefined
  /** That of the row as it was read; 0 if there is none. */
  readonly revision: number
}

/** A guest that is replaced, as its row was read. */
interface Former {
  readonly credential: GuestCredential | undefined
  readonly revision: number
}

export type Answered = Extract<SendResult, { readonly end: 'answered' }>

/** What an answered create brought. */
interface CreateOutcome {
  readonly made: AcceptedTokens
  readonly answer: Answered
  readonly lookup: CrmLookup
  readonly result: AuthenticationResult
}

/** The former guest, if the upstream named it again. */
export const sameGuest = ({ attempt, guest }: LedgerEntry, guestId: string): GuestCredential | undefined =>
  guest?.api === attempt.applicant.api && guestIdOf(guest) === guestId ? guest : undefined

/** Stores a guest with everything that belongs to it. Undefined: another process took the reservation. */
export async function storeCreatedGuest(
  creation: Creation,
  outcome: CreateOutcome,
): Promise<GuestWithTokens | undefined> {
  const { parts, api, entry } = creation
  const { made, answer } = outcome
  const { store } = parts.ports
  const { guestId } = answer.created
  const same = sameGuest(entry, guestId)
  // Nearly always the guest is new, and the former one unchanged: both are read again only after a conflict. An id
  // that begins with the name of an API may have been stored before the API was registered. A guest of this id that
  // was removed by its age goes on counting.
  const isLikely = same !== undefined || (made.credential.id === guestId && !(await parts.removed.restore(guestId)))
  const found = { credential: same, revision: same ? entry.guestRevision : 0 }
  let place: GuestPlace = isLikely ? { row: made.credential.id, ...found } : await placeFor(creation, guestId)
  let former: Former | undefined =
    entry.decision.former === undefined ? undefined : { credential: entry.guest, revision: entry.guestRevision }
  for (let revision: number | undefined = answer.revision; ; revision = undefined) {
    const base = place.credential
    if (base && hasEnded(base)) throw await refuseEnded(creation, base, made)
    if (base && !isOf(base, entry)) throw await refuseForeign(creation, guestId)
    // Who makes a guest anew after its session has ended owns it.
    const { owner = base?.owner } = made.credential
    const from = { ...(base ?? made.credential), ...(owner === undefined ? {} : { owner }) }
    const next = { ...nextGeneration(from, made.credential), id: place.row }
    const change = await changeOf(creation, outcome, { next, place, former, isFirst: revision !== undefined })
    const settled = await settle(parts, entry, {
      next: { state: 'live', guestId: next.id },
      change,
      revision,
      hasTokens: true,
    }).catch((thrown: unknown) => {
      throw unsavedError(thrown, next)
    })
    if (settled === 'done') {
      const latencyMs = entry.attempt.elapsed()
      parts.recorder.announce({ credential: next, kind: 'issued', claims: made.claims, latencyMs })
      api.enrichment?.start(next.id)
      return next
    }
    if (settled === 'taken') return recordOrphan(creation)
    place = await placeFor(creation, guestId)
    former = former?.credential && (await readGuest(store, former.credential))
  }
}

async function readGuest(store: Pick<Store, 'find'>, { connection, id }: GuestCredential): Promise<Former> {
  const found = await store.find(connection, id)
  return { credential: guestIn(found), revision: found.revision }
}

async function placeFor({ parts, entry }: Creation, guestId: string): Promise<GuestPlace> {
  const { connection, ports, removed } = parts
  const same = sameGuest(entry, guestId)
  if (same) return { row: same.id, ...(await readGuest(ports.store, same)) }
  return findGuestRow(connection, entry.attempt.applicant.api, guestId, removed.store)
}

/** Whether a guest was made for this applicant and channel. */
const isOf = ({ id, profile, request }: GuestCredential, { attempt: { applicant }, guest }: LedgerEntry): boolean =>
  id === guest?.id || (profileIn(profile).email === applicant.email && request?.channelId === applicant.channelId)

async function changeOf(
  { parts, api, entry }: Creation,
  { made, result, lookup, answer }: CreateOutcome,
  of: {
    readonly next: GuestWithTokens
    readonly place: GuestPlace
    readonly former: Former | undefined
    /** Whether no write has conflicted yet. */
    readonly isFirst: boolean
  },
): Promise<Omit<Change, 'connection'>> {
  const { next, place, former, isFirst } = of
  const { created, tries } = answer
  const facts = { result, statusCode: created.status, tries }
  const done = authenticated(parts.eventOf, entry.attempt, entry, next, facts)
  const ends = endOfFormer(parts, entry, next, former)
  const generation = next.generation - 1
  // A refresh that began since the row was read is a conflict: its end is recorded, too.
  const expect = { generation, revision: place.credential ? place.revision : 0 }
  return {
    writes: [{ credential: next, expect }, ...ends.writes],
    documents: api.enrichment ? [await api.enrichment.pendingWrite(next.id, lookup, isFirst && generation === 0)] : [],
    events: [...endedRefresh(parts, entry, place), ...ends.events, done],
    deny: ends.deny,
    issued: made.issued.map((one) => ({ ...one, credential: next.id })),
  }
}

/** The event of an open refresh of the same guest, which gets the tokens of a new session. */
function endedRefresh(
  { recorder, ports }: CreationParts,
  { now, attempt }: LedgerEntry,
  { credential }: GuestPlace,
): readonly Event[] {
  if (!credential) return []
  const stamp = { id: ports.random.uuid(), at: now() }
  return endedRequest(credential, recorder.about(credential, attempt.context), stamp, 'superseded')
}

/** The change that ends the guest which a new one replaces. */
function endOfFormer(
  { recorder, ports }: CreationParts,
  { now, attempt, decision: { former, replaces } }: LedgerEntry,
  next: GuestWithTokens,
  found: Former | undefined,
): Required<Pick<Change, 'writes' | 'events' | 'deny'>> {
  const nothing = { writes: [], events: [], deny: [] }
  if (former === undefined || !replaces) return nothing
  // The same guest again: only its former tokens end.
  if (former === next.id) return { ...nothing, deny: [former] }
  if (!found?.credential || hasEnded(found.credential)) return nothing
  const { credential, revision } = found
  return revocationChange(
    { credential, revision },
    recorder.about(credential, attempt.context),
    now(),
    ports,
    'replaced',
  )
}

/** Another process stored its guest first. Records that the upstream has this one beside it. */
async function recordOrphan({ parts, entry }: Creation): Promise<undefined> {
  const { connection, eventOf, ports } = parts
  const { attempt, subject, now, requestId } = entry
  const [about, facts] = eventOf(attempt, subject, now())
  const event = guestOrphaned(about, { ...facts, requestId, latencyMs: attempt.elapsed() })
  await ports.store.commit({ connection, events: [event] })
  return undefined
}

/**
 * The upstream named a guest that has ended here. It stays ended: its token reaches no caller, and no
 * verifier accepts it.
 */
async function refuseEnded(
  { parts, entry }: Creation,
  guest: GuestCredential,
  { issued }: AcceptedTokens,
): Promise<GuestpassError> {
  const { ports } = parts
  await denyLateTokens(ports.store, guest, issued)
  const guestId = guestIdOf(guest)
  return settleFailure(parts, entry, { error: endedError(guest), next: undefined, events: [guestOrphaned], guestId })
}

/**
 * The upstream gave the id of another guest. That guest keeps its session, and the token reaches no caller.
 */
function refuseForeign({ parts, entry }: Creation, guestId: string): Promise<GuestpassError> {
  const error = new GuestpassError(
    'upstream_garbled',
    'The upstream gave the new guest the id of another guest. The token was dropped, and the other guest is unchanged. Ask the operator of the upstream how its guest ids are made.',
  )
  const next: Reservation = { state: 'orphaned', ...formerGuest(entry.decision) }
  return settleFailure(parts, entry, { error, next, events: [guestOrphaned], guestId })
}
