import { type Millis, MINUTE } from '@guestpass/core/store-kit'
import type { MovableClock } from './movable-clock.ts'
import type { WorkUnderWay } from './work-under-way.ts'

/** A step while no call waits: workers act in between. */
const STEP: Millis = 5 * MINUTE
/** The most such steps of one move. Those of a longer move are longer. */
const MOST_STEPS = 300
/** How long after a failed request its call may wait to repeat it. */
const REPEATS: Millis = MINUTE
/** Limits the number of steps while calls repeat requests: each is at least this part of the time since the failure. */
const GROWTH = 0.5

/**
 * Moves the clock in steps. Work that is under way ends before each, so that no request and no call comes to
 * its time limit, which is measured on this clock, while it does real work.
 */
export async function moveInSteps(clock: MovableClock, work: WorkUnderWay, ms: Millis): Promise<void> {
  await work.settled()
  const long = Math.max(STEP, ms / MOST_STEPS)
  for (let left = ms; left > 0; ) {
    const next = clock.nextEnd()
    const since = work.sinceFailure()
    const wanted = since < REPEATS ? Math.max(next, 1, since * GROWTH) : next > left ? left : long
    const step = Math.min(wanted, left)
    clock.advance(step)
    left -= step
    await work.settled()
  }
}
