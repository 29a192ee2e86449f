import type { Millis } from '../domain/time.ts'

/** Outcomes of the latest `windowMs`, in a fixed number of slots: the memory does not grow with the traffic. */
export interface Tally {
  add(failed: boolean, now: Millis): void
  counts(now: Millis): { readonly total: number; readonly failed: number }
  clear(): void
}

interface Slot {
  /** Which stretch of time the slot counts; a ring position is used again for a later one. */
  turn: number
  total: number
  failed: number
}

const EMPTY = Number.NEGATIVE_INFINITY

/** A rolling count; the oldest slot leaves as a whole, so the window is at most one slot shorter than said. */
export function tally(windowMs: Millis, slots: number): Tally {
  const ring: Slot[] = Array.from({ length: slots }, () => ({ turn: EMPTY, total: 0, failed: 0 }))
  const turnAt = (now: Millis): number => Math.floor((now * slots) / windowMs)
  return {
    add(failed, now) {
      const turn = turnAt(now)
      const slot = ring[turn % slots] as Slot
      if (slot.turn !== turn) Object.assign(slot, { turn, total: 0, failed: 0 })
      slot.total += 1
      if (failed) slot.failed += 1
    },
    counts(now) {
      const oldest = turnAt(now) - slots + 1
      const live = ring.filter((slot) => slot.turn >= oldest)
      return {
        total: live.reduce((sum, slot) => sum + slot.total, 0),
        failed: live.reduce((sum, slot) => sum + slot.failed, 0),
      }
    },
    clear() {
      for (const slot of ring) slot.turn = EMPTY
    },
  }
}
