import { type Clock, GuestpassError } from '@guestpass/core'
import { createPermitSource, type PermitSource } from '@guestpass/core/runtime-kit'
import type { Millis } from '@guestpass/core/store-kit'
import type { ServedConnection } from '../connections/served-connection.ts'
import type { Caller } from './caller.ts'

/**
 * The quotas of keys. Each is a bucket in the store, which all instances share and which refills evenly. An instance
 * takes the permits of up to a second at once, so that few requests write. While the store fails, it counts alone.
 */
export interface Quotas {
  /** Takes one request from the quota of a key. Rejects with `quota_exceeded`. */
  take(caller: Pick<Caller, 'id' | 'perMinute' | 'served'>): Promise<void>
}

interface Quota {
  readonly permits: PermitSource
  /** Permits that this instance took and has not used. */
  left: number
  /** No permit is asked for before, on the monotonic clock. */
  emptyUntil: Millis
  refilling: Promise<void> | undefined
}

/** @param perMinute the quota of keys without one of their own; 0: none */
export function createQuotas(perMinute: number, clock: Clock): Quotas {
  const byConnection = new WeakMap<ServedConnection, Map<string, Quota>>()

  function quotaOf(id: string, limit: number, served: ServedConnection): Quota {
    const quotas = byConnection.get(served) ?? new Map<string, Quota>()
    byConnection.set(served, quotas)
    const name = `${id} ${limit}`
    const known = quotas.get(name)
    if (known) return known
    const key = { connection: served.name, rateLimitKey: `api-key:${id}` }
    const permits = createPermitSource(key, { perMinute: limit, burst: limit }, { clock, store: served.runtime.store })
    const made: Quota = { permits, left: 0, emptyUntil: Number.NEGATIVE_INFINITY, refilling: undefined }
    quotas.set(name, made)
    return made
  }

  async function refill(quota: Quota, limit: number): Promise<void> {
    const { count, answer } = await quota.permits.take(limit, 0)
    if (answer.granted) quota.left += count
    else quota.emptyUntil = clock.monotonic() + answer.waitMs
    quota.refilling = undefined
  }

  return {
    async take({ id, served, perMinute: own }) {
      const limit = own ?? perMinute
      if (limit === 0) return
      const quota = quotaOf(id, limit, served)
      while (quota.left === 0) {
        const waitMs = quota.emptyUntil - clock.monotonic()
        if (waitMs > 0) throw exceeded(id, limit, clock.wall() + waitMs)
        await (quota.refilling ??= refill(quota, limit))
      }
      quota.left -= 1
    },
  }
}

const exceeded = (id: string, limit: number, retryAt: number): GuestpassError =>
  new GuestpassError('quota_exceeded', `API key ${id} may send ${limit} requests a minute.`, { retryAt })
