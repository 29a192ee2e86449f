import { documentKind } from '../domain/document-kinds.ts'
import type { Json } from '../domain/json.ts'
import { DAY, HOUR, type Instant, type Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'

/** The time by which retention judges ages. */
export interface RetentionTime {
  /**
   * Gives the time of a pass: that of the wall clock, or an earlier one if that clock was set far ahead. Stores how
   * far the passes have come, so that no restart begins anew. It writes at most once a day while the clock is right.
   */
  now(): Promise<Instant>
}

/** How far the passes have come, and what the wall clock said then. */
interface Mark {
  readonly reached: Instant
  readonly wall: Instant
}

const LAST = 'last'

/** The wall clock is believed if it has advanced by at most so much since the mark. */
const BELIEVED: Millis = 7 * DAY
/** What an hour of the clock counts for while the passes of retention are behind it, in milliseconds. */
export const RETENTION_CATCH_UP: Millis = 6 * HOUR

/** Only `next` below writes the value. */
const markOf = (value: Json | undefined): Mark | undefined => value as unknown as Mark | undefined

/** How far passes may go by what is stored. After more than `BELIEVED`, they catch up in steps. */
function credible({ reached, wall: then }: Mark, wall: Instant): Instant {
  const elapsed = wall - then
  if (elapsed < 0) return reached
  const usual = Math.min(elapsed, BELIEVED)
  const isBehind = reached < then
  return reached + (isBehind && elapsed >= HOUR ? Math.max(usual, RETENTION_CATCH_UP) : usual)
}

/**
 * Gives how far the passes of retention have come, if they catch up after a long stop: then ages are judged by a time
 * before that of the clock.
 *
 * @param connection the name of the connection
 * @param store the store of the connection
 * @param now the time of the clock, in milliseconds since 1970
 * @returns the time by which ages are judged; undefined if it is that of the clock, or if no pass runs
 *
 * @example
 * ```ts
 * import { memoryStore } from '@guestpass/core'
 * import { retentionCatchUp } from '@guestpass/core/runtime-kit'
 *
 * console.log(await retentionCatchUp('default', memoryStore(), Date.now())) // undefined: no pass was made
 * ```
 */
export async function retentionCatchUp(
  connection: string,
  store: Pick<Store, 'document'>,
  now: Instant,
): Promise<Instant | undefined> {
  const mark = markOf((await store.document(connection, documentKind.retentionTime, LAST)).value)
  // While passes are behind, each hour stores a mark.
  const isBehind = mark !== undefined && mark.reached < mark.wall && now - mark.wall <= 2 * HOUR
  return isBehind ? mark.reached : undefined
}

/** Whether the mark would be wrong, or would hold the next process up. */
const isWorthStoring = (mark: Mark, { reached, wall }: Mark): boolean =>
  wall < mark.wall || wall - mark.wall >= DAY || (reached < wall && wall - mark.wall >= HOUR)

export function createRetentionTime(
  connection: string,
  { store, clock }: { readonly store: Pick<Store, 'commit' | 'document'>; readonly clock: Clock },
): RetentionTime {
  const kind = documentKind.retentionTime
  /** The last pass of this process: a clock that was set moves only the wall clock. */
  let last: { readonly reached: Instant; readonly monotonic: Millis } | undefined

  async function next(): Promise<{ readonly mark: Mark; readonly outcome: 'done' | 'conflict' }> {
    const wall = clock.wall()
    const { value, revision } = await store.document(connection, kind, LAST)
    const known = markOf(value)
    // Nothing is known of the clock before the first pass.
    const stored = known ? credible(known, wall) : wall
    const counted = last ? last.reached + clock.monotonic() - last.monotonic : stored
    const mark = { reached: Math.min(wall, Math.max(stored, counted)), wall }
    if (known && !isWorthStoring(known, mark)) return { mark, outcome: 'done' }
    const document = { kind, id: LAST, value: { ...mark }, expect: { revision } }
    return { mark, outcome: await store.commit({ connection, documents: [document] }) }
  }

  return {
    async now() {
      for (;;) {
        const { mark, outcome } = await next()
        if (outcome === 'conflict') continue
        last = { reached: mark.reached, monotonic: clock.monotonic() }
        return mark.reached
      }
    },
  }
}
