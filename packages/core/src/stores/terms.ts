import { GuestpassError } from '../errors.ts'
import type { Change } from '../ports/store.ts'

/** The most rows that one page holds. */
export const MAX_PAGE = 1_000

/** Refuses a page size that is not a whole number from 1 to 1000. */
export function refuseBadLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_PAGE) return
  const message = `must be a whole number from 1 to ${MAX_PAGE}`
  throw new GuestpassError('invalid_input', `limit ${message}; ask for less and follow \`next\`.`, {
    fields: [{ field: 'limit', message, remedy: 'ask for less and follow `next`' }],
  })
}

/** Refuses a change that reaches over the wall: everything in it belongs to its connection. */
export function refuseForeign(change: Change): void {
  const parts = [...(change.writes ?? []).map((write) => write.credential), ...(change.events ?? [])]
  if (parts.every((part) => part.connection === change.connection)) return
  throw new GuestpassError(
    'invalid_input',
    `A change of connection "${change.connection}" holds something of another connection; commit one change for each.`,
    { fields: [{ field: 'connection', message: 'differs within one change', remedy: 'commit one change for each' }] },
  )
}
