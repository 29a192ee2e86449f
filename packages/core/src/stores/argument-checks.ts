import { GuestpassError } from '../domain/errors.ts'
import type { Change, DueRequest, DueDocumentsRequest } from '../ports/store.ts'

/** The most rows that one page holds, and the most that are claimed at once. */
export const MAX_ROWS = 1_000

function rejectField(field: string, message: string, remedy: string): never {
  throw new GuestpassError('invalid_input', `${field} ${message}. ${remedy}`, { fields: [{ field, message, remedy }] })
}

function checkRowCount(field: string, count: number, remedy: string): void {
  if (Number.isInteger(count) && count >= 1 && count <= MAX_ROWS) return
  rejectField(field, `must be a whole number from 1 to ${MAX_ROWS}`, remedy)
}

/** Refuses a page size that is not a whole number from 1 to 1000. */
export const checkPageLimit = (limit: number): void => checkRowCount('limit', limit, 'Ask for less and follow `next`.')

/** Refuses to count up to anything but a whole number from 1. */
export function checkCountLimit(most: number): void {
  if (!Number.isSafeInteger(most) || most < 1)
    rejectField('most', 'must be a whole number from 1', 'Give the number up to which to count.')
}

/** Refuses a claim of nothing or of more than 1000, or for a time that makes no sense. */
export function checkDocumentClaim({ max, leaseMs }: Pick<DueDocumentsRequest, 'max' | 'leaseMs'>): void {
  checkRowCount('max', max, 'Ask for less and come again.')
  if (!(leaseMs > 0 && leaseMs < Number.POSITIVE_INFINITY))
    rejectField('leaseMs', 'must be more than 0', 'Give milliseconds.')
}

/** Refuses a claim of no credentials or of more than 1000, or with times that make no sense. */
export function checkCredentialClaim({ keepForMs, ...claim }: DueRequest): void {
  checkDocumentClaim(claim)
  if (!(keepForMs >= 0)) rejectField('keepForMs', 'must be at least 0', 'Give milliseconds.')
}

/** Refuses a change that reaches over the wall: everything in it belongs to its connection. */
export function checkOneConnection(change: Change): void {
  const parts = [...(change.writes ?? []).map((write) => write.credential), ...(change.events ?? [])]
  if (parts.every((part) => part.connection === change.connection)) return
  throw new GuestpassError(
    'invalid_input',
    `A change of connection "${change.connection}" holds something of another connection; commit one change for each.`,
    { fields: [{ field: 'connection', message: 'differs within one change', remedy: 'Commit one change for each.' }] },
  )
}
