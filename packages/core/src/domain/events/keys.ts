import { type About, type EventAs, firstMembers, type Stamp } from './event-parts.ts'

/** `keys`: how many were removed; `values`: how many sealed values were written anew. */
export type KeyEvent = EventAs<'KEYS_ROTATED', 'success', { readonly keys: number; readonly values: number }>

/** Old encryption keys were removed. The subject of `about` is the id of the new key. */
export const keysRotated = (
  about: About,
  { keys, values, ...stamp }: Stamp & { readonly keys: number; readonly values: number },
): KeyEvent => ({
  ...firstMembers(stamp, about),
  type: 'KEYS_ROTATED',
  outcome: 'success',
  generation: 0,
  data: { keys, values },
})
