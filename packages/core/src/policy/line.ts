import type { Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Lesson } from '../ports/store.ts'
import type { Permits } from './permits.ts'

/** Callers of one lane, waiting for their turn in the order in which they came. */
export interface Line {
  /**
   * Resolves when it is the caller's turn. Rejects with `busy(wait)` when the turn is further away than `allowed`, with the
   * signal's reason when it aborts.
   */
  turn(allowed: Millis, signal: AbortSignal, busy: (waitMs: Millis) => Error): Promise<void>
  learn(lesson: Lesson): void
  readonly waiting: number
}

interface Waiter {
  /** On the monotonic clock. */
  readonly until: Millis
  go(): void
  refuse(waitMs: Millis): void
}

/** Permits in hand: one at `nextAt`, the others each an interval later. */
interface Lease {
  nextAt: Millis
  readonly intervalMs: Millis
  left: number
}

const NONE: Lease = { nextAt: 0, intervalMs: 0, left: 0 }

/** A line that takes permits a few at a time as long as somebody waits. */
export function line(permits: Permits, clock: Clock): Line {
  const queue = new Set<Waiter>()
  let lease: Lease = NONE
  let pausedUntil = Number.NEGATIVE_INFINITY
  /** Between permits as they come to this process lately: longer than the interval while others share the bucket. */
  let pace = permits.interval
  /** Permits that may still come at once, as far as is known. */
  let credit = permits.burst
  let latest: { readonly startAt: Millis; readonly count: number } | undefined
  let serving = false
  let nap = new AbortController()

  /** How far behind its plan the line may be and still keep to the plan: a quarter of the burst. */
  const catchUp = (): Millis => ((permits.burst - 1) / 4) * permits.interval

  const first = (): Waiter | undefined => queue.values().next().value

  /** When the next caller in line could have its turn; a guess beyond the permits in hand. */
  const expectedWait = (): Millis => {
    const { nextAt, left, intervalMs } = lease
    const inHand = left === 0 ? clock.monotonic() : nextAt + Math.min(left - 1, queue.size) * intervalMs
    const beyond = queue.size === 0 ? 0 : Math.max(0, queue.size + 1 - left - credit)
    return Math.max(inHand, pausedUntil) + beyond * pace - clock.monotonic()
  }

  /** Refuses those who cannot wait until then. */
  const refuseBefore = (turnAt: Millis): void => {
    const waitMs = turnAt - clock.monotonic()
    for (const waiter of queue) {
      if (waiter.until < turnAt) waiter.refuse(waitMs)
    }
  }

  const take = async (head: Waiter): Promise<void> => {
    const maxWait = Math.max(0, head.until - clock.monotonic())
    const { count, answer } = await permits.take(queue.size, maxWait)
    const now = clock.monotonic()
    const { granted, waitMs, intervalMs } = answer
    if (!granted) {
      head.refuse(waitMs + maxWait)
      return refuseBefore(now + waitMs + maxWait)
    }
    credit = waitMs > 0 || intervalMs > 0 ? 0 : Math.max(0, credit - count)
    const nextAt = Math.max(now + waitMs, pausedUntil)
    if (latest) pace = Math.max(permits.interval, (nextAt - latest.startAt) / latest.count)
    latest = { startAt: nextAt, count }
    lease = { nextAt, intervalMs, left: count }
  }

  const give = async (head: Waiter): Promise<void> => {
    const ahead = lease.nextAt - clock.monotonic()
    if (head.until < lease.nextAt) return head.refuse(Math.max(0, ahead))
    if (ahead > 0) return clock.sleep(ahead, nap.signal).catch(() => {})
    lease.left -= 1
    // A process that was late makes up for little of it: what piled up would reach upstream as one large burst.
    lease.nextAt = Math.max(lease.nextAt, clock.monotonic() - catchUp()) + lease.intervalMs
    head.go()
  }

  const serve = async (): Promise<void> => {
    serving = true
    credit = permits.burst
    latest = undefined
    forgetLapsed()
    for (let head = first(); head; head = first()) {
      if (lease.left > 0) await give(head)
      else await take(head)
    }
    serving = false
  }

  /** Permits whose time passed while nobody waited are void: used late, they would come on top of newer ones. */
  const forgetLapsed = (): void => {
    const late = clock.monotonic() - lease.nextAt
    if (late <= 0) return
    const lapsed = lease.intervalMs > 0 ? Math.ceil(late / lease.intervalMs) : lease.left
    lease = { ...lease, nextAt: lease.nextAt + lapsed * lease.intervalMs, left: Math.max(0, lease.left - lapsed) }
  }

  /** Ends the sleep before the next permit, because it is void or nobody waits for it. */
  const wake = (): void => {
    nap.abort('woken')
    nap = new AbortController()
  }

  return {
    get waiting() {
      return queue.size
    },
    turn(allowed, signal, busy) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error)
        const wait = expectedWait()
        if (wait > allowed) return reject(busy(wait))
        const leave = (): void => {
          queue.delete(waiter)
          signal.removeEventListener('abort', abort)
          if (queue.size === 0) wake()
        }
        const abort = (): void => {
          leave()
          reject(signal.reason as Error)
        }
        const waiter: Waiter = {
          until: clock.monotonic() + allowed,
          go() {
            leave()
            resolve()
          },
          refuse(waitMs) {
            leave()
            reject(busy(waitMs))
          },
        }
        signal.addEventListener('abort', abort, { once: true })
        queue.add(waiter)
        if (!serving) void serve()
      })
    },
    learn(lesson) {
      permits.learn(lesson)
      pace = Math.max(pace, permits.interval)
      if (lesson.pauseMs === undefined) return
      credit = 0
      latest = undefined
      pausedUntil = Math.max(pausedUntil, clock.monotonic() + lesson.pauseMs)
      lease = NONE
      wake()
    },
  }
}
