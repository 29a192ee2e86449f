import type { Credential } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import type { Json } from '../../domain/json.ts'
import { ended, hasEnded } from '../../domain/plan.ts'
import { openProfile } from '../../domain/profile.ts'
import { GuestpassError } from '../../domain/errors.ts'
import type { Change } from '../../ports/store.ts'
import { unsaved } from '../../tokens/renewal/keep-trying.ts'
import type { Live } from '../../tokens/renewal/renewal.ts'
import { authenticated } from './attempt.ts'
import { type Claim, fail, formerOf, settle } from './create-ledger.ts'
import type { Creating, CreationParts } from './creating.ts'
import { denyLate, revocationChange } from '../tokens/revocation.ts'
import type { Lookup } from '../enrichment/enrichment.ts'
import { nextOf, placeFor } from '../tokens/place.ts'
import type { Received } from '../tokens/accept-tokens.ts'
import type { Sent } from './sent-create.ts'
import type { Slot } from './guest-reservation.ts'

/** The row of a guest, and what it holds. */
interface Row {
  readonly row: string
  readonly credential?: Credential | undefined
}

export type Answered = Extract<Sent, { readonly end: 'answered' }>

/** What a create that was answered brought. */
export interface MadeGuest {
  readonly made: Received
  readonly answer: Answered
  readonly lookup: Lookup
  readonly told: Readonly<Record<string, Json>>
}

/** The guest of before, where upstream names it again. */
export const sameGuest = ({ attempt, guest }: Claim, guestId: string): Credential | undefined =>
  guest?.api === attempt.person.api && guestIdOf(guest) === guestId ? guest : undefined

/** Stores a guest with everything that belongs to it; undefined when another process has taken the key over. */
export async function kept(creating: Creating, outcome: MadeGuest): Promise<Live | undefined> {
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
    const next = { ...nextOf(base ?? made.credential, made.credential), id: place.row }
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
      parts.telling.announce({ credential: next, kind: 'issued', claims: made.claims, latencyMs })
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

async function storing(
  { parts, api, claim }: Creating,
  { made, told, lookup, answer }: MadeGuest,
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

/** Upstream named a guest that was ended here, and stays ended: its token is handed out to no caller, and no verifier accepts it. */
async function refuseEnded(
  { parts, claim }: Creating,
  guest: Credential,
  { issued }: Received,
): Promise<GuestpassError> {
  const { ports } = parts
  await denyLate(ports.store, guest, issued)
  const guestId = guestIdOf(guest)
  return fail(parts, claim, { error: ended(guest), next: undefined, types: ['GUEST_ORPHANED'], guestId })
}

/** Upstream gave the id of another guest: the session of that guest stays as it is, and the token that came is handed out to no caller. */
function refuseForeign({ parts, claim }: Creating, guestId: string): Promise<GuestpassError> {
  const error = new GuestpassError(
    'upstream_garbled',
    'The upstream gave the new guest the id of another guest. The token was thrown away, and the other guest is unchanged. Ask the operator of the upstream how its guest ids are made.',
  )
  const next: Slot = { state: 'orphaned', ...formerOf(claim.decision) }
  return fail(parts, claim, { error, next, types: ['GUEST_ORPHANED'], guestId })
}
