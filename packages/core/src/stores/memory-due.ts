import { type Instant, isFromFuture, type Millis } from '../domain/time.ts'
import type { DueAnswer, DueRequest } from '../ports/store.ts'

/** When a row is due for renewal, and until when it is claimed. */
export interface DueRow {
  /** Absent if the row is never due. */
  readonly dueAt?: Instant
  /** When the due time was set. */
  readonly dueSetAt: Instant
  readonly claimedUntil: Instant
  readonly claimedAt: Instant
  readonly touchedAt: Instant
}

/**
 * When a row is due; undefined if never, or if no caller used it within `keepForMs`. If a clock that was
 * ahead set the due time, the row is due now.
 */
function dueTime({ dueAt, dueSetAt, touchedAt }: DueRow, keepForMs: Millis, now: Instant): Instant | undefined {
  if (dueAt === undefined || touchedAt < now - keepForMs) return undefined
  return isFromFuture(dueSetAt, now) ? Math.min(dueAt, now) : dueAt
}

/** Whether a row is due and was used within `keepForMs`, claimed or not. */
export const isDue = (row: DueRow, keepForMs: Millis, now: Instant): boolean =>
  (dueTime(row, keepForMs, now) ?? Number.POSITIVE_INFINITY) <= now

/** Claims due rows, the longest due first. Calls `claim` for each one with the changes to its row. */
export function claimDueRows(
  rows: Iterable<readonly [id: string, DueRow]>,
  { max, leaseMs, keepForMs }: DueRequest,
  now: Instant,
  claim: (id: string, change: Partial<DueRow>) => void,
): DueAnswer {
  const due: { readonly id: string; readonly dueAt: Instant; readonly touchedAt: Instant }[] = []
  let next = Number.POSITIVE_INFINITY
  for (const [id, row] of rows) {
    const { claimedUntil, claimedAt, touchedAt } = row
    const dueAt = dueTime(row, keepForMs, now)
    if (dueAt === undefined) continue
    const from = isFromFuture(claimedAt, now) ? dueAt : Math.max(dueAt, claimedUntil)
    if (from <= now) due.push({ id, dueAt, touchedAt })
    else next = Math.min(next, from)
  }
  due.sort((a, b) => a.dueAt - b.dueAt)
  const taken = due.slice(0, max)
  for (const { id, touchedAt } of taken) {
    // A clock that was ahead set this time. It would keep the guest for too long.
    const touched = isFromFuture(touchedAt, now) ? { touchedAt: now } : {}
    claim(id, { claimedUntil: now + leaseMs, claimedAt: now, ...touched })
  }
  const claimed = taken.map(({ id, dueAt }) => ({ id, dueAt }))
  if (claimed.length > 0) next = Math.min(next, now + leaseMs)
  return { now, claimed, ...nextInMs(next, { claimed, max, now }) }
}

/**
 * When to claim again. Empty if as many were claimed as requested, or if `next` is Infinity. `next`: when the
 * next row is due.
 */
export const nextInMs = (
  next: Instant,
  { claimed, max, now }: { readonly claimed: readonly unknown[]; readonly max: number; readonly now: Instant },
): { readonly nextInMs?: Millis } =>
  claimed.length < max && next < Number.POSITIVE_INFINITY ? { nextInMs: next - now } : {}
