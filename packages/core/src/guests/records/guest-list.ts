import { guestsIn } from '../../domain/credential.ts'
import { type CurrentStatus, currentStatus } from '../../domain/current-status.ts'
import { isOwnedBy } from '../../domain/guest-owner.ts'
import type { Instant, Millis } from '../../domain/time.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Store } from '../../ports/store.ts'
import { checkPageLimit } from '../../ports/argument-checks.ts'
import { type GuestView, viewOf } from './guest-view.ts'

/** Which guests a list gives, and how many. Default: the first 100. */
export interface GuestListOptions {
  /** The most guests of a page, 1 to 1000. Default 100. */
  readonly limit?: number | undefined
  /** The `next` of the page before. Default: the first page. */
  readonly after?: string | undefined
  /** Only guests of this API, as `guest-tokens`. */
  readonly api?: string | undefined
  /** Only guests whose status is this one now. */
  readonly status?: CurrentStatus | undefined
  /** Only guests of this channel. */
  readonly channelId?: string | undefined
  /** Only guests whose token is valid now and expires within so many milliseconds. */
  readonly expiresWithinMs?: Millis | undefined
}

interface ListParts {
  readonly connection: string
  readonly store: Pick<Store, 'list'>
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** Only guests that this owner finds. */
  readonly owner?: string | undefined
}

/** Rows that are read at once, at least, where a filter may leave most of them out. */
const FILTERED_ROWS = 500
/** The most rows that are read for a page, so that a filter that few guests match does not read the whole store. */
const MOST_ROWS = 10_000

/**
 * Reads a page of guests in the order of their ids in the store. It has `limit` guests if so many of the next
 * 10,000 match, and `next` if there are more. Rejects with the reason of the signal.
 */
export async function listGuests(
  { connection, store, clock, signal, owner }: ListParts,
  { limit = 100, after: start, ...filter }: GuestListOptions,
): Promise<{ readonly guests: readonly GuestView[]; readonly next?: string }> {
  checkPageLimit(limit)
  const now = clock.wall()
  const isFiltered = owner !== undefined || Object.values(filter).some((value) => value !== undefined)
  const guests: GuestView[] = []
  let lastId = ''
  let read = 0
  for (let after = start; ; ) {
    signal?.throwIfAborted()
    const rows = isFiltered ? Math.max(limit, FILTERED_ROWS) : limit
    const page = await store.list(connection, { kind: 'guest', limit: rows, ...(after === undefined ? {} : { after }) })
    for (const credential of guestsIn(page)) {
      const view = viewOf(credential)
      if (!isOwnedBy(credential, owner) || !isWanted(view, filter, now)) continue
      if (guests.length === limit) return { guests, next: lastId }
      guests.push(view)
      lastId = credential.id
    }
    if (page.next === undefined) return { guests }
    read += page.credentials.length
    if (!isFiltered || read >= MOST_ROWS) return { guests, next: page.next }
    after = page.next
  }
}

function isWanted(view: GuestView, filter: Omit<GuestListOptions, 'limit' | 'after'>, now: Instant): boolean {
  const { api, status, channelId, expiresWithinMs } = filter
  const { expiresAt = Number.NEGATIVE_INFINITY } = view
  return (
    (api === undefined || view.api === api) &&
    (status === undefined || currentStatus(view, now) === status) &&
    (channelId === undefined || view.channelId === channelId) &&
    (expiresWithinMs === undefined || (expiresAt > now && expiresAt <= now + expiresWithinMs))
  )
}
