import { type Bucket, LEARNED_FOR, reserved, taught } from '../domain/bucket.ts'
import { DAY, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Lesson, PermitAnswer, PermitAsk, Store } from '../ports/store.ts'
import type { LaneName } from './lanes.ts'

/** How long the store is left alone after it failed. */
const REST: Millis = SECOND
/** Permits are taken for this long at most, so that little is lost when a process dies or its callers leave. */
const AHEAD: Millis = SECOND

/** How often a limit that stands is told to the store again, so that it does not end. */
const RETELL: Millis = LEARNED_FOR / 6

/** Where the permits of one lane come from. */
export interface Permits {
  /** As many of `wanted` as are worth taking together, the first within `maxWaitMs`. Never rejects. */
  take(wanted: number, maxWaitMs: Millis): Promise<{ readonly count: number; readonly answer: PermitAnswer }>
  /** Remembers a lesson, for all who share the store. */
  learn(lesson: Lesson): void
  /** Between one permit and the next in the long run, as far as is known. */
  readonly interval: Millis
  readonly burst: number
}

/** The permits of a lane: from the store, and at the same rate from a bucket of this process while the store fails. */
export function permits(
  { connection, lane }: LaneName,
  { perMinute, burst }: { readonly perMinute: number; readonly burst: number },
  { clock, store }: { readonly clock: Clock; readonly store: Pick<Store, 'reserve' | 'learn'> },
): Permits {
  let learned = { perMinute, at: Number.NEGATIVE_INFINITY }
  let restUntil = 0
  let learning: Promise<void> = Promise.resolve()
  // As after a pause: what the others have used of the burst is not known.
  let local: Bucket = taught(undefined, { pauseMs: 0 }, clock.monotonic())

  const allowed = (): number => (clock.monotonic() - learned.at < LEARNED_FOR ? learned.perMinute : perMinute)

  const here = (ask: PermitAsk): PermitAnswer => {
    const { answer, bucket } = reserved(local, ask, clock.monotonic())
    local = bucket
    return answer
  }

  const reserve = async (ask: PermitAsk): Promise<PermitAnswer> => {
    await learning
    if (clock.monotonic() < restUntil) return here(ask)
    try {
      return await store.reserve(connection, lane, ask)
    } catch {
      restUntil = clock.monotonic() + REST
      return here(ask)
    }
  }

  return {
    burst,
    get interval() {
      return MINUTE / allowed()
    },
    async take(wanted, maxWaitMs) {
      const ahead = Math.max(1, Math.floor((allowed() * AHEAD) / MINUTE))
      const count = Math.min(wanted, ahead)
      return { count, answer: await reserve({ perMinute, burst, permits: count, maxWaitMs: Math.min(maxWaitMs, DAY) }) }
    },
    learn(lesson) {
      const at = clock.monotonic()
      const limit = Math.min(lesson.perMinute ?? allowed(), perMinute)
      // The limit stands in every answer; a change of it is worth a write, and now and then that it still holds.
      const isOld = lesson.perMinute !== undefined && limit < perMinute && at - learned.at >= RETELL
      const news: Lesson = {
        ...(lesson.pauseMs === undefined ? {} : { pauseMs: lesson.pauseMs }),
        ...(limit === allowed() && !isOld ? {} : { perMinute: limit }),
      }
      if (news.pauseMs === undefined && news.perMinute === undefined) return
      if (news.perMinute !== undefined) learned = { perMinute: limit, at }
      local = taught(local, news, clock.monotonic())
      const told = (): Promise<void> => store.learn(connection, lane, news)
      // A store that cannot take it now gets the next lesson; until then this process keeps to it alone.
      learning = learning.then(told).catch(() => {})
    },
  }
}
