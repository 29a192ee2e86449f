import { type Clock, GuestpassError } from '@guestpass/core'
import { MINUTE } from '@guestpass/core/store-kit'
import type { Caller } from './caller.ts'

/** The quotas of the keys of this instance: a bucket for each key, which refills evenly. */
export interface Quotas {
  /** Takes one request from the quota of a key. Throws `quota_exceeded`. */
  take(caller: Pick<Caller, 'id' | 'perMinute' | 'served'>): void
}

/** @param perMinute the quota of keys without one of their own; 0: none */
export function createQuotas(perMinute: number, clock: Clock): Quotas {
  /** When the bucket of a key is full again, on the monotonic clock. Without an entry it is full. */
  const fullAt = new Map<string, number>()
  return {
    take({ id, served, perMinute: own }) {
      const limit = own ?? perMinute
      if (limit === 0) return
      const now = clock.monotonic()
      const key = `${served.name} ${id}`
      const full = Math.max(now, fullAt.get(key) ?? 0) + MINUTE / limit
      if (full - now > MINUTE) throw exceeded(id, limit, clock.wall() + full - now - MINUTE)
      fullAt.set(key, full)
    },
  }
}

const exceeded = (id: string, limit: number, retryAt: number): GuestpassError =>
  new GuestpassError('quota_exceeded', `API key ${id} may send ${limit} requests a minute to this instance.`, {
    retryAt,
  })
