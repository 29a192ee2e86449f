import type { GuestCredential } from '../credential.ts'
import { type EventContext, type EventStamp, firstMembers, type TypedEvent } from './event-parts.ts'

/** Data of a pruned audit log: the checkpoint up to which its records were removed. */
export type PrunedData = {
  /** The number of the last record that was removed, and its hash. */
  readonly count: number
  readonly hash: string
  /** The number of the checkpoint that signs both. */
  readonly checkpoint: number
}

/** Data of a guest that was removed some time after its last token. */
export type RemovedData = {
  readonly api: string
  /** What it was when it was removed. */
  readonly status: GuestCredential['status']
}

/** The events of retention: what is removed because it is old. */
export type RetentionEvent =
  | TypedEvent<'AUDIT_PRUNED', 'success', PrunedData>
  | TypedEvent<'GUEST_REMOVED', 'success', RemovedData>

/**
 * Makes the event of a pruned audit log.
 *
 * @param about its `subject` is the id of the key that signed the checkpoint
 */
export const auditPruned = (about: EventContext, { data, ...stamp }: EventStamp & { readonly data: PrunedData }) =>
  ({
    ...firstMembers(stamp, about),
    type: 'AUDIT_PRUNED',
    outcome: 'success',
    generation: 0,
    data,
  }) satisfies RetentionEvent

/** Makes the event of a guest that was removed. */
export const guestRemoved = (
  about: EventContext,
  { generation, data, ...stamp }: EventStamp & { readonly generation: number; readonly data: RemovedData },
) =>
  ({
    ...firstMembers(stamp, about),
    type: 'GUEST_REMOVED',
    outcome: 'success',
    generation,
    data,
  }) satisfies RetentionEvent
