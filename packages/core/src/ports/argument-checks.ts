import { GuestpassError } from '../domain/errors.ts'
import type { Change, DueRequest, DueDocumentsRequest } from './store.ts'

/** The most rows of one page, and of one claim. */
const MAX_ROWS = 1_000

function rejectField(field: string, message: string, remedy: string): never {
  throw new GuestpassError('invalid_input', `${field} ${message}. ${remedy}`, { fields: [{ field, message, remedy }] })
}

function checkRowCount(field: string, count: number, remedy: string): void {
  if (Number.isInteger(count) && count >= 1 && count <= MAX_ROWS) return
  rejectField(field, `must be a whole number from 1 to ${MAX_ROWS}`, remedy)
}

/** Checks a page size: a whole number from 1 to 1000. Throws `invalid_input` otherwise. */
export const checkPageLimit = (limit: number): void => checkRowCount('limit', limit, 'Request fewer and follow `next`.')

/** Checks the number up to which to count: a whole number from 1. Throws `invalid_input` otherwise. */
export function checkCountLimit(most: number): void {
  if (!Number.isSafeInteger(most) || most < 1)
    rejectField('most', 'must be a whole number from 1', 'Give the number up to which to count.')
}

/** Checks a claim: `max` from 1 to 1000, `leaseMs` above 0 and finite. Throws `invalid_input` otherwise. */
export function checkDocumentClaim({ max, leaseMs }: Pick<DueDocumentsRequest, 'max' | 'leaseMs'>): void {
  checkRowCount('max', max, 'Request fewer and claim again.')
  if (!(leaseMs > 0 && leaseMs < Number.POSITIVE_INFINITY))
    rejectField('leaseMs', 'must be more than 0', 'Give milliseconds.')
}

/**
 * Checks a claim of credentials: as `checkDocumentClaim`, and `keepForMs` at least 0. Throws `invalid_input`
 * otherwise.
 */
export function checkCredentialClaim({ keepForMs, ...claim }: DueRequest): void {
  checkDocumentClaim(claim)
  if (!(keepForMs >= 0)) rejectField('keepForMs', 'must be at least 0', 'Give milliseconds.')
}

/** Checks that every part of a change belongs to its connection. Throws `invalid_input` otherwise. */
export function checkOneConnection(change: Change): void {
  const parts = [...(change.writes ?? []).map((write) => write.credential), ...(change.events ?? [])]
  if (parts.every((part) => part.connection === change.connection)) return
  throw new GuestpassError(
    'invalid_input',
    `A change of connection "${change.connection}" also changes another connection. Commit one change for each connection.`,
    {
      fields: [
        { field: 'connection', message: 'differs within one change', remedy: 'Commit one change for each connection.' },
      ],
    },
  )
}
