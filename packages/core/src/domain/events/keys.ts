import { type EventContext, type TypedEvent, firstMembers, type EventStamp } from './event-parts.ts'

/**
 * The event of a key rotation. `keys`: how many were removed; `values`: how many values were sealed again.
 */
export type KeyEvent = TypedEvent<'KEYS_ROTATED', 'success', { readonly keys: number; readonly values: number }>

/** Old encryption keys were removed. The subject of `about` is the id of the new key. */
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
