import { GuestpassError } from '../domain/errors.ts'
import type { Change, DueRequest, DueDocumentsRequest } from '../ports/store.ts'

/** The most rows that one page holds, and the most that are claimed at once. */
export const MAX_PAGE = 1_000

function refuse(field: string, message: string, remedy: string): never {
  throw new GuestpassError('invalid_input', `${field} ${message}. ${remedy}`, { fields: [{ field, message, remedy }] })
}

function refuseBadCount(field: string, count: number, remedy: string): void {
  if (Number.isInteger(count) && count >= 1 && count <= MAX_PAGE) return
  refuse(field, `must be a whole number from 1 to ${MAX_PAGE}`, remedy)
}

/** Refuses a page size that is not a whole number from 1 to 1000. */
export const refuseBadLimit = (limit: number): void => refuseBadCount('limit', limit, 'Ask for less and follow `next`.')

/** Refuses to count up to anything but a whole number from 1. */
export function refuseBadMost(most: number): void {
  if (!Number.isSafeInteger(most) || most < 1)
    refuse('most', 'must be a whole number from 1', 'Give the number up to which to count.')
}

/** Refuses a claim of nothing or of more than 1000, or for a time that makes no sense. */
export function refuseBadClaim({ max, leaseMs }: Pick<DueDocumentsRequest, 'max' | 'leaseMs'>): void {
  refuseBadCount('max', max, 'Ask for less and come again.')
  if (!(leaseMs > 0 && leaseMs < Number.POSITIVE_INFINITY))
    refuse('leaseMs', 'must be more than 0', 'Give milliseconds.')
}

/** Refuses a claim of no credentials or of more than 1000, or with times that make no sense. */
export function refuseBadDueAsk({ keepForMs, ...claim }: DueRequest): void {
  refuseBadClaim(claim)
  if (!(keepForMs >= 0)) refuse('keepForMs', 'must be at least 0', 'Give milliseconds.')
}

/** Refuses a change that reaches over the wall: everything in it belongs to its connection. */
export function refuseForeign(change: Change): void {
  const parts = [...(change.writes ?? []).map((write) => write.credential), ...(change.events ?? [])]
  if (parts.every((part) => part.connection === change.connection)) return
  throw new GuestpassError(
    'invalid_input',
    `A change of connection "${change.connection}" holds something of another connection; commit one change for each.`,
    { fields: [{ field: 'connection', message: 'differs within one change', remedy: 'Commit one change for each.' }] },
  )
}
