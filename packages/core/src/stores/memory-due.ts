import type { Instant } from '../domain/time.ts'
import type { DueAnswer, DueAsk } from '../ports/store.ts'

/** What a row says of its renewal. */
export interface DueRow {
  /** Absent when it is never due. */
  readonly dueAt?: Instant
  readonly claimedUntil: Instant
  readonly touchedAt: Instant
}

/** Finds what may be claimed; `claim` is called for each that is. */
export function claimedFrom(
  rows: Iterable<readonly [id: string, DueRow]>,
  { max, leaseMs, keepForMs }: DueAsk,
  now: Instant,
  claim: (id: string, until: Instant) => void,
): DueAnswer {
  const due: { readonly id: string; readonly dueAt: Instant }[] = []
  let next = Number.POSITIVE_INFINITY
  for (const [id, { dueAt, claimedUntil, touchedAt }] of rows) {
    if (dueAt === undefined || touchedAt < now - keepForMs) continue
    const from = Math.max(dueAt, claimedUntil)
    if (from <= now) due.push({ id, dueAt })
    else next = Math.min(next, from)
  }
  due.sort((a, b) => a.dueAt - b.dueAt)
  const claimed = due.slice(0, max)
  for (const { id } of claimed) claim(id, now + leaseMs)
  if (claimed.length > 0) next = Math.min(next, now + leaseMs)
  return { now, claimed, ...(claimed.length < max && next < Number.POSITIVE_INFINITY ? { nextInMs: next - now } : {}) }
}
