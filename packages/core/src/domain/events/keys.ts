import { type EventContext, type TypedEvent, firstMembers, type EventStamp } from './event-parts.ts'

/**
 * The event of a key rotation. `keys`: how many data keys were removed. `values`: how many values were sealed
 * again.
 */
export type KeyEvent = TypedEvent<'KEYS_ROTATED', 'success', { readonly keys: number; readonly values: number }>

/**
 * Makes the event of a key rotation, which a store commits when the old data keys were removed.
 *
 * @param about its `subject` is the id of the new data key
 */
export const keysRotated = (
  about: EventContext,
  { keys, values, ...stamp }: EventStamp & { readonly keys: number; readonly values: number },
): KeyEvent => ({
  ...firstMembers(stamp, about),
  type: 'KEYS_ROTATED',
  outcome: 'success',
  generation: 0,
  data: { keys, values },
})
