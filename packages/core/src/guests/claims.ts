import type { Event } from '../domain/event.ts'
import type { Instant } from '../domain/time.ts'
import type { GuestpassError } from '../errors.ts'
import type { Meter } from '../ports/meter.ts'
import type { Change } from '../ports/store.ts'
import type { RenewalPorts } from '../tokens/renewal.ts'
import type { Attempt, Wording } from './attempt.ts'
import { type Decision, DUPLICATE, type Former, type Slot, slotOf } from './slot.ts'
import { withoutIds } from './without-ids.ts'

/** What was found under the key, and what is to be done. */
export interface Opening {
  readonly slot: Slot | undefined
  readonly revision: number
  readonly now: () => Instant
  readonly decision: Extract<Decision, { do: 'create' }>
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

/** Creates that are written down under a key before they are sent, and what becomes of them. */
export interface Claims {
  /** Writes down that a create is about to be sent; undefined when somebody else wrote first. */
  open(attempt: Attempt, opening: Opening): Promise<Claim | undefined>
  /** Writes what became of it, with the rest of the change; false when somebody else took it over. */
  settle(claim: Claim, next: Slot | undefined, change: () => Promise<Omit<Change, 'connection'>>): Promise<boolean>
  /** Writes that it failed, and gives the error to throw. */
  fail(claim: Claim, failure: Failure): Promise<GuestpassError>
}

export interface ClaimsParts {
  readonly connection: string
  readonly wording: Wording
  readonly meter: Meter
}

export function claims({ connection, wording, meter }: ClaimsParts, ports: RenewalPorts): Claims {
  const { store, random, holder } = ports

  const settle: Claims['settle'] = async (claim, next, change) => {
    const { key } = claim.attempt
    for (;;) {
      const { documents = [], ...rest } = await change()
      const { value, revision } = await store.document(connection, DUPLICATE, key)
      if (!isOurs(slotOf(value), claim, next)) return false
      const write = { kind: DUPLICATE, id: key, expect: { revision }, ...(next ? { value: { ...next } } : {}) }
      const outcome = await store.commit({ connection, ...rest, documents: [write, ...documents] })
      if (outcome === 'done') return true
    }
  }

  return {
    settle,
    async open(attempt, opening) {
      const { decision, now, revision } = opening
      const [requestId, subject] = [random.uuid(), random.uuid()]
      const begun = wording(attempt, now(), {
        type: 'GUEST_CREATE_INITIATED',
        outcome: 'pending',
        subject,
        data: { requestId, resumes: decision.resumes },
      })
      const slot: Slot = { state: 'creating', requestId, holder, ...formerOf(decision) }
      const write = { kind: DUPLICATE, id: attempt.key, value: { ...slot }, expect: { revision } }
      const outcome = await store.commit({ connection, documents: [write], events: [begun] })
      return outcome === 'done' ? { ...opening, attempt, requestId, subject, trail: [begun] } : undefined
    },
    async fail(claim, { error, next, types, guestId }) {
      meter.count('guest_authentication_failed')
      const { subject, now, attempt, requestId, decision } = claim
      const shown = withoutIds(error, subject, [guestId, decision.former])
      const events = [...types, 'guest.authentication' as const].map((type) =>
        wording(attempt, now(), { type, outcome: 'failure', subject, error: shown, data: { requestId } }),
      )
      if (!(await settle(claim, next, async () => ({ events })))) await store.commit({ connection, events })
      return error
    },
  }
}

/** What the next who asks has to know of the guest of before. */
export const formerOf = ({ former, replaces = false }: Former): Former =>
  former === undefined ? {} : { former, ...(replaces ? { replaces } : {}) }

/** Whether a slot may be settled by a claim. Tokens in hand are worth more than somebody else's doubt, not more than their guest. */
const isOurs = (slot: Slot | undefined, { requestId }: Claim, next: Slot | undefined): boolean =>
  (slot?.state === 'creating' && slot.requestId === requestId) || (next?.state === 'live' && slot?.state !== 'live')

/** What a claim goes back to when upstream refused, or was not asked at all. */
export function slotBefore({ slot, decision }: Claim, error: GuestpassError): Slot | undefined {
  if (!decision.resumes) return slot
  // The weather says nothing of the create that was lost.
  if (error.retryable && slot && 'requestId' in slot) {
    return { state: 'in_doubt', requestId: slot.requestId, ...formerOf(decision) }
  }
  const { former, replaces } = decision
  if (former === undefined) return undefined
  return replaces ? { state: 'live', guestId: former } : { state: 'free', former }
}
