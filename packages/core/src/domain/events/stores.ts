import { type EventContext, type TypedEvent, firstMembers, type EventStamp } from './event-parts.ts'

/** Data of a restored store. */
export type RestoreData = {
  /** How many records the audit chain had in the backup. */
  readonly records: number
  /** How many refresh tokens of sign-ins and guests may have been spent since the backup. */
  readonly inDoubt: number
  /** How many guests were erased again, because they were erased after the backup. */
  readonly erased: number
}

/** The event of a store that was restored from a backup. */
export type StoreEvent = TypedEvent<'STORE_RESTORED', 'success', RestoreData>

/** The store of a connection was restored from a backup: what was stored after the backup is lost. */
export const storeRestored = (
  about: EventContext,
  { data, ...stamp }: EventStamp & { readonly data: RestoreData },
): StoreEvent => ({
  ...firstMembers(stamp, about),
  type: 'STORE_RESTORED',
  outcome: 'success',
  generation: 0,
  data,
})
