import type { Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { RateLimitFeedback } from '../ports/store.ts'
import type { PermitSource } from './permit-source.ts'

/** Makes the error of a call that would have to wait too long. `waitMs`: until its permit may be used. */
type RefusalOf = (waitMs: Millis) => Error

/** Callers of one rate limit that wait for a permit, first come, first served. */
export interface PermitQueue {
  /**
   * Waits for a permit. Resolves when the caller may send.
   *
   * @param maxWaitMs rejects with `refusalOf(waitMs)` if the permit is further away, in milliseconds
   * @param signal rejects with its reason when it aborts
   */
  acquire(maxWaitMs: Millis, signal: AbortSignal, refusalOf: RefusalOf): Promise<void>
  /**
   * Applies what an answer said of the limit, for the callers in the queue and for all who share the store.
   */
  applyFeedback(feedback: RateLimitFeedback): void
  /** How many callers wait. */
  readonly waiting: number
}

interface Waiter {
  /** The latest moment at which a permit is of use, on the monotonic clock. */
  readonly until: Millis
  grant(): void
  refuse(waitMs: Millis): void
}

/** Permits that were taken together: one may be used at `nextAt`, each other one an interval later. */
interface Batch {
  nextAt: Millis
  readonly intervalMs: Millis
  left: number
}

const NO_PERMITS: Batch = { nextAt: 0, intervalMs: 0, left: 0 }

interface Queue {
  readonly permits: PermitSource
  readonly clock: Clock
  readonly waiters: Set<Waiter>
  batch: Batch
  /** No permit is used before this moment, on the monotonic clock. */
  pausedUntil: Millis
  /**
   * How many times longer than the interval of the limit the latest one was between permits that reached this
   * process: more than 1 while others share the bucket. A factor, because the limit can change.
   */
  observedShare: number
  /** How many more permits the bucket may give at once, as far as this process knows. */
  burstLeft: number
  /** When the latest batch began, and its size. */
  latestBatch: { readonly startAt: Millis; readonly count: number } | undefined
  isServing: boolean
  /** Ends the sleep before the next permit. */
  sleep: AbortController
}

/** Creates a queue that takes a few permits at a time, as long as callers wait. */
export function createPermitQueue(permits: PermitSource, clock: Clock): PermitQueue {
  const queue: Queue = {
    permits,
    clock,
    waiters: new Set(),
    batch: NO_PERMITS,
    pausedUntil: Number.NEGATIVE_INFINITY,
    observedShare: 1,
    burstLeft: permits.burst,
    latestBatch: undefined,
    isServing: false,
    sleep: new AbortController(),
  }
  return {
    get waiting() {
      return queue.waiters.size
    },
    acquire: (maxWaitMs, signal, refusalOf) => acquire(queue, maxWaitMs, signal, refusalOf),
    applyFeedback(feedback) {
      permits.applyFeedback(feedback)
      if (feedback.pauseMs !== undefined) pause(queue, feedback.pauseMs)
    },
  }
}

function acquire(queue: Queue, maxWaitMs: Millis, signal: AbortSignal, refusalOf: RefusalOf): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    const waitMs = expectedWaitMs(queue)
    if (waitMs > maxWaitMs) return reject(refusalOf(waitMs))
    const removeWaiter = (): void => {
      queue.waiters.delete(waiter)
      signal.removeEventListener('abort', abort)
      if (queue.waiters.size === 0) wake(queue)
    }
    const abort = (): void => {
      removeWaiter()
      reject(signal.reason as Error)
    }
    const waiter: Waiter = {
      until: queue.clock.monotonic() + maxWaitMs,
      grant() {
        removeWaiter()
        resolve()
      },
      refuse(ms) {
        removeWaiter()
        reject(refusalOf(ms))
      },
    }
    signal.addEventListener('abort', abort, { once: true })
    queue.waiters.add(waiter)
    if (!queue.isServing) void serve(queue)
  })
}

/**
 * Milliseconds until one more caller could have a permit. An estimate, if the batch and the burst have no permit
 * for it.
 */
function expectedWaitMs(queue: Queue): Millis {
  const { batch, waiters, burstLeft, pausedUntil, observedShare, permits, clock } = queue
  const { nextAt, left, intervalMs } = batch
  const now = clock.monotonic()
  const inBatch = left === 0 ? now : nextAt + Math.min(left - 1, waiters.size) * intervalMs
  const untaken = waiters.size === 0 ? 0 : Math.max(0, waiters.size + 1 - left - burstLeft)
  return Math.max(inBatch, pausedUntil) + untaken * permits.interval * observedShare - now
}

const firstWaiter = ({ waiters }: Queue): Waiter | undefined => waiters.values().next().value

/** Serves the callers in the queue until none waits. */
async function serve(queue: Queue): Promise<void> {
  queue.isServing = true
  queue.burstLeft = queue.permits.burst
  queue.latestBatch = undefined
  dropLapsed(queue)
  for (let first = firstWaiter(queue); first; first = firstWaiter(queue)) {
    if (queue.batch.left > 0) await grantNext(queue, first)
    else await takeBatch(queue, first)
  }
  queue.isServing = false
}

/** Takes permits for the callers in the queue, or refuses those who cannot wait for them. */
async function takeBatch(queue: Queue, first: Waiter): Promise<void> {
  const { clock, permits } = queue
  const maxWaitMs = Math.max(0, first.until - clock.monotonic())
  const { count, answer } = await permits.take(queue.waiters.size, maxWaitMs)
  const now = clock.monotonic()
  const { granted, waitMs, intervalMs } = answer
  if (!granted) {
    first.refuse(waitMs + maxWaitMs)
    return refuseBefore(queue, now + waitMs + maxWaitMs)
  }
  queue.burstLeft = waitMs > 0 || intervalMs > 0 ? 0 : Math.max(0, queue.burstLeft - count)
  const nextAt = Math.max(now + waitMs, queue.pausedUntil)
  const { latestBatch } = queue
  if (latestBatch) {
    const observedMs = (nextAt - latestBatch.startAt) / latestBatch.count
    queue.observedShare = Math.max(1, observedMs / permits.interval)
  }
  queue.latestBatch = { startAt: nextAt, count }
  queue.batch = { nextAt, intervalMs, left: count }
}

/** Refuses the callers who cannot wait until `permitAt`. */
function refuseBefore({ waiters, clock }: Queue, permitAt: Millis): void {
  const waitMs = permitAt - clock.monotonic()
  for (const waiter of waiters) {
    if (waiter.until < permitAt) waiter.refuse(waitMs)
  }
}

/** Gives the first caller a permit of the batch, or sleeps until that may be used; the caller then comes again. */
async function grantNext(queue: Queue, first: Waiter): Promise<void> {
  const { batch, clock } = queue
  const waitMs = batch.nextAt - clock.monotonic()
  if (first.until < batch.nextAt) return first.refuse(Math.max(0, waitMs))
  if (waitMs > 0) return clock.sleep(waitMs, queue.sleep.signal).catch(() => {})
  batch.left -= 1
  // A process that was late catches up a little only: all of the backlog would reach the upstream as one
  // large burst.
  batch.nextAt = Math.max(batch.nextAt, clock.monotonic() - maxCatchUpMs(queue)) + batch.intervalMs
  first.grant()
}

/** How far behind its plan the queue may be and still keep to the plan: a quarter of the burst. */
const maxCatchUpMs = ({ permits }: Queue): Millis => ((permits.burst - 1) / 4) * permits.interval

/**
 * Drops permits whose time passed while no caller waited: used late, they would come on top of newer ones.
 */
function dropLapsed(queue: Queue): void {
  const { batch } = queue
  const lateMs = queue.clock.monotonic() - batch.nextAt
  if (lateMs <= 0) return
  const lapsed = batch.intervalMs > 0 ? Math.ceil(lateMs / batch.intervalMs) : batch.left
  queue.batch = {
    ...batch,
    nextAt: batch.nextAt + lapsed * batch.intervalMs,
    left: Math.max(0, batch.left - lapsed),
  }
}

/** Drops the permits of the batch, and uses none before the pause has ended. */
function pause(queue: Queue, pauseMs: Millis): void {
  queue.burstLeft = 0
  queue.latestBatch = undefined
  queue.pausedUntil = Math.max(queue.pausedUntil, queue.clock.monotonic() + pauseMs)
  queue.batch = NO_PERMITS
  wake(queue)
}

/** Ends the sleep before the next permit, because that one is void or no caller waits for it. */
function wake(queue: Queue): void {
  queue.sleep.abort('woken')
  queue.sleep = new AbortController()
}
