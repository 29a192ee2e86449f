import type { Credential } from '../../domain/credential.ts'
import type { Event } from '../../domain/event.ts'
import type { Instant } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import type { Meter } from '../../ports/meter.ts'
import type { Change, DocumentWrite, Store } from '../../ports/store.ts'
import { keepTrying, type SavingPorts } from '../../tokens/renewal/keep-trying.ts'
import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { Attempt, Wording } from './attempt.ts'
import { type Create, DUPLICATE, type Former, type Slot, slotOf } from './guest-reservation.ts'
import { idsOf, withoutIds } from '../events/without-ids.ts'

/** What was found under the key, and what is to be done. */
export interface Opening {
  readonly slot: Slot | undefined
  readonly revision: number
  /** The guest that the slot names, as it was found. */
  readonly guest: Credential | undefined
  readonly now: () => Instant
  readonly decision: Create
}

/** A create that is written down. */
export interface Claim extends Opening {
  readonly attempt: Attempt
  readonly requestId: string
  /** Stands for the guest in events. */
  readonly subject: string
  /** The events of the attempt that are stored. */
  readonly trail: readonly Event[]
}

/** How a create that brought no guest ends. */
export interface Failure {
  readonly error: GuestpassError
  /** What stands under the key from now on. */
  readonly next: Slot | undefined
  /** The events that say so, besides that of the failed authentication. */
  readonly types: readonly Event['type'][]
  /** Known from the answer. */
  readonly guestId?: string | undefined
}

/** What creates are written down with. */
export interface ClaimParts {
  readonly connection: string
  readonly wording: Wording
  readonly meter: Meter
  readonly ports: Pick<RenewalPorts, 'random' | 'holder'> &
    SavingPorts & { readonly store: Pick<Store, 'document' | 'commit'> }
}

/** Writes down that a create is about to be sent; undefined when another process wrote first. */
export async function open(parts: ClaimParts, attempt: Attempt, opening: Opening): Promise<Claim | undefined> {
  const { connection, wording, ports } = parts
  const { decision, now, revision, slot } = opening
  const [requestId, subject] = [ports.random.uuid(), ports.random.uuid()]
  const data = { requestId, resumes: decision.resumes }
  const begun = wording(attempt, now(), { type: 'GUEST_CREATE_INITIATED', outcome: 'pending', subject, data })
  const events = [...(decision.orphans ? [orphaned(parts, attempt, slot, now())] : []), begun]
  const creating: Slot = { state: 'creating', requestId, holder: ports.holder, ...formerOf(decision) }
  const documents = [slotWrite(attempt, creating, revision)]
  const outcome = await ports.store.commit({ connection, documents, events })
  return outcome === 'done' ? { ...opening, attempt, requestId, subject, trail: [begun] } : undefined
}

/** The guest that a lost answer may have made, and that the request gives up. */
function orphaned({ wording, ports }: ClaimParts, attempt: Attempt, slot: Slot | undefined, at: Instant): Event {
  const data: Event['data'] = slot && 'requestId' in slot ? { requestId: slot.requestId } : {}
  return wording(attempt, at, { type: 'GUEST_ORPHANED', outcome: 'failure', subject: ports.random.uuid(), data })
}

/** Whether the create of a claim is still the one that is written down; else another process has taken the key over. */
export const isOpen = (slot: Slot | undefined, { requestId }: Claim): boolean =>
  slot?.state === 'creating' && slot.requestId === requestId

/** How a create ends under its key. */
export interface Settlement {
  /** What stands under the key from now on. */
  readonly next: Slot | undefined
  /** Written together with it. */
  readonly change: Omit<Change, 'connection'>
  /** The revision of the slot, where it is known. */
  readonly revision?: number | undefined
  /** Whether there are tokens: they count for more than the doubt of another create, not more than its guest. */
  readonly hasTokens?: true
}

/**
 * Writes what became of a create. `taken`: another process has taken the key over. `conflict`: the rest of the change does not fit what
 * is stored.
 */
export async function settle(
  { connection, ports }: ClaimParts,
  claim: Claim,
  { next, change: { documents = [], ...rest }, revision, hasTokens }: Settlement,
): Promise<'done' | 'taken' | 'conflict'> {
  const { attempt } = claim
  for (let expected = revision; ; ) {
    if (expected !== undefined) {
      const write = slotWrite(attempt, next, expected)
      const change = { connection, ...rest, documents: [write, ...documents] }
      // Tokens that came are given only once: a store that is full is asked until it has room.
      const outcome = await (hasTokens ? keepTrying(ports, change, 'guest') : ports.store.commit(change))
      if (outcome === 'done') return 'done'
    }
    const found = await ports.store.document(connection, DUPLICATE, attempt.key)
    const slot = slotOf(found.value)
    if (!isOpen(slot, claim) && !(hasTokens && slot?.state !== 'live')) return 'taken'
    if (found.revision === expected) return 'conflict'
    expected = found.revision
  }
}

/** Writes that a create failed, and gives the error to throw. */
export async function fail(
  parts: ClaimParts,
  claim: Claim,
  { error, next, types, guestId }: Failure,
): Promise<GuestpassError> {
  const { connection, wording, meter, ports } = parts
  meter.count('guest_authentication_failed')
  const { subject, now, attempt, requestId, guest } = claim
  const shown = withoutIds(error, subject, [guestId, ...(guest ? idsOf(guest) : [])])
  const events = [...types, 'guest.authentication' as const].map((type) =>
    wording(attempt, now(), { type, outcome: 'failure', subject, error: shown, data: { requestId } }),
  )
  if ((await settle(parts, claim, { next, change: { events } })) !== 'done')
    await ports.store.commit({ connection, events })
  return error
}

/** Takes back what was written down of a create that was not sent, if nothing has been written since. */
export async function giveBack({ connection, ports }: ClaimParts, claim: Claim): Promise<undefined> {
  const { value, revision } = await ports.store.document(connection, DUPLICATE, claim.attempt.key)
  if (!isOpen(slotOf(value), claim)) return undefined
  await ports.store.commit({ connection, documents: [slotWrite(claim.attempt, slotUnsent(claim), revision)] })
  return undefined
}

const slotWrite = ({ key }: Attempt, slot: Slot | undefined, revision: number): DocumentWrite => ({
  kind: DUPLICATE,
  id: key,
  expect: { revision },
  ...(slot ? { value: { ...slot } } : {}),
})

/** What the next who asks has to know of the guest of before. */
export const formerOf = ({ former, replaces = false }: Former): Former =>
  former === undefined ? {} : { former, ...(replaces ? { replaces } : {}) }

/** What a claim goes back to when nothing of it was sent. */
function slotUnsent({ slot, decision }: Claim): Slot | undefined {
  if (decision.orphans) return withoutDoubt(decision)
  if (!decision.resumes || !slot || !('requestId' in slot)) return slot
  return { state: 'in_doubt', requestId: slot.requestId, ...formerOf(decision) }
}

/** What a claim goes back to when upstream refused, or could not be asked. */
export function slotBefore(claim: Claim, error: GuestpassError): Slot | undefined {
  // A failure that may pass says nothing of the create that was lost.
  return !claim.decision.resumes || error.retryable ? slotUnsent(claim) : withoutDoubt(claim.decision)
}

/** The former guest alone, where there is one. */
function withoutDoubt({ former, replaces }: Former): Slot | undefined {
  if (former === undefined) return undefined
  return replaces ? { state: 'live', guestId: former } : { state: 'free', former }
}
