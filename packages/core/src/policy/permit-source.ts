import { applyFeedback, type Bucket, FEEDBACK_LIFETIME, reservePermits } from '../domain/bucket.ts'
import { DAY, MINUTE, type Millis, SECOND } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { PermitAnswer, PermitRequest, RateLimitFeedback, Store } from '../ports/store.ts'

/** How long the store is not asked after it failed. */
const STORE_PAUSE: Millis = SECOND
/** Permits are taken for this long at most, so that few are lost when a process dies or its callers leave. */
const MAX_AHEAD: Millis = SECOND
/** How often a limit that still holds is written again, so that it does not lapse. */
const REWRITE_INTERVAL: Millis = FEEDBACK_LIFETIME / 6

/** The part of a store that the limiters of several processes share. */
export type PermitStore = Pick<Store, 'reservePermits' | 'applyFeedback'>

/** The source of the permits of one rate limit. */
export interface PermitSource {
  /**
   * Takes as many of `wanted` permits as are worth taking together, the first within `maxWaitMs`. Never
   * rejects.
   */
  take(wanted: number, maxWaitMs: Millis): Promise<{ readonly count: number; readonly answer: PermitAnswer }>
  /** Remembers what an answer said of the limit, for all who share the store. */
  applyFeedback(feedback: RateLimitFeedback): void
  /** Milliseconds between one permit and the next in the long run, as far as is known. */
  readonly interval: Millis
  readonly burst: number
}

interface Source {
  readonly connection: string
  readonly rateLimitKey: string
  readonly perMinute: number
  readonly burst: number
  readonly clock: Clock
  readonly store: PermitStore
  /** The limit that upstream named last, and when, on the monotonic clock. */
  learned: { readonly perMinute: number; readonly at: Millis }
  /** The store is not asked before. */
  storeFailedUntil: Millis
  /** Feedback that the store is being given. */
  writing: Promise<void>
  /** The bucket of this process, for the time when the store fails. */
  local: Bucket
}

/**
 * Creates a source of the permits of a rate limit, which all processes on the store share. While the store fails, it
 * keeps the same rate in this process.
 *
 * @param key the connection, and the name of the limit in it
 * @param limit permits a minute, more than 0, and how many may be taken at once after a quiet time, at least 1
 * @returns The source. It takes the permits of up to a second at once.
 *
 * @example
 * ```ts
 * import { memoryStore } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 * import { createPermitSource } from '@guestpass/core/runtime-kit'
 *
 * const { clock, close } = nodePorts()
 * const key = { connection: 'default', rateLimitKey: 'reports' }
 * const permits = createPermitSource(key, { perMinute: 60, burst: 60 }, { clock, store: memoryStore({ clock }) })
 * const { answer } = await permits.take(1, 0)
 * console.log(answer.granted)
 * await close()
 * ```
 */
export function createPermitSource(
  { connection, rateLimitKey }: { readonly connection: string; readonly rateLimitKey: string },
  { perMinute, burst }: { readonly perMinute: number; readonly burst: number },
  { clock, store }: { readonly clock: Clock; readonly store: PermitStore },
): PermitSource {
  const source: Source = {
    connection,
    rateLimitKey,
    perMinute,
    burst,
    clock,
    store,
    learned: { perMinute, at: Number.NEGATIVE_INFINITY },
    storeFailedUntil: 0,
    writing: Promise.resolve(),
    // As after a pause: how much of the burst other processes have used is not known.
    local: applyFeedback(undefined, { pauseMs: 0 }, clock.monotonic()),
  }
  return {
    burst,
    get interval() {
      return MINUTE / allowedPerMinute(source)
    },
    async take(wanted, maxWaitMs) {
      const ahead = Math.max(1, Math.floor((allowedPerMinute(source) * MAX_AHEAD) / MINUTE))
      const permits = Math.min(wanted, ahead)
      const request = { perMinute, burst, permits, maxWaitMs: Math.min(maxWaitMs, DAY) }
      return { count: permits, answer: await reserve(source, request) }
    },
    applyFeedback: (feedback) => remember(source, feedback),
  }
}

const allowedPerMinute = ({ learned, perMinute, clock }: Source): number =>
  clock.monotonic() - learned.at < FEEDBACK_LIFETIME ? learned.perMinute : perMinute

async function reserve(source: Source, request: PermitRequest): Promise<PermitAnswer> {
  const { clock, store, connection, rateLimitKey } = source
  await source.writing
  if (clock.monotonic() < source.storeFailedUntil) return reserveLocally(source, request)
  try {
    const answer = await store.reservePermits(connection, rateLimitKey, request)
    noteNamedLimit(source, answer)
    return answer
  } catch {
    source.storeFailedUntil = clock.monotonic() + STORE_PAUSE
    return reserveLocally(source, request)
  }
}

/**
 * Remembers the limit that holds in the store. Another process may have written it, and the next answer that names
 * a higher one is then written.
 */
function noteNamedLimit(source: Source, { namedPerMinute: perMinute = source.perMinute }: PermitAnswer): void {
  if (perMinute !== allowedPerMinute(source)) learn(source, { perMinute })
}

/** Keeps feedback in this process. */
function learn(source: Source, feedback: RateLimitFeedback): void {
  const at = source.clock.monotonic()
  if (feedback.perMinute !== undefined) source.learned = { perMinute: feedback.perMinute, at }
  source.local = applyFeedback(source.local, feedback, at)
}

function reserveLocally(source: Source, request: PermitRequest): PermitAnswer {
  const { answer, bucket } = reservePermits(source.local, request, source.clock.monotonic())
  source.local = bucket
  return answer
}

function remember(source: Source, feedback: RateLimitFeedback): void {
  const { store, connection, rateLimitKey } = source
  const news = newsOf(source, feedback)
  if (news.pauseMs === undefined && news.perMinute === undefined) return
  learn(source, news)
  const write = (): Promise<void> => store.applyFeedback(connection, rateLimitKey, news)
  // If the store cannot write it, this process alone keeps to it until the next feedback.
  source.writing = source.writing.then(write).catch(() => {})
}

/**
 * What of a feedback is worth a write. The limit is in every answer: written if it changed, and now and then
 * again.
 */
function newsOf(source: Source, { pauseMs, perMinute }: RateLimitFeedback): RateLimitFeedback {
  const allowed = allowedPerMinute(source)
  const limit = Math.min(perMinute ?? allowed, source.perMinute)
  const isDue = source.clock.monotonic() - source.learned.at >= REWRITE_INTERVAL
  const isRewrite = perMinute !== undefined && limit < source.perMinute && isDue
  return {
    ...(pauseMs === undefined ? {} : { pauseMs }),
    ...(limit === allowed && !isRewrite ? {} : { perMinute: limit }),
  }
}
