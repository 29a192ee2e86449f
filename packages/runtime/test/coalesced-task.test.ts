import { fakeClock } from '@guestpass/core/testing'
import { describe, expect, it } from 'vitest'
import { createCoalescedTask, type RunResult } from '../src/coalesced-task.ts'

const SECOND = 1_000

/** Work whose runs end as given, and the times at which they began. */
function nudged(ends: readonly (RunResult | 'rejects')[]) {
  const clock = fakeClock()
  const ending = new AbortController()
  const began: number[] = []
  const work = createCoalescedTask(
    async () => {
      began.push(clock.monotonic())
      const end = ends[began.length - 1] ?? { madeProgress: true, hasMore: false }
      if (end === 'rejects') throw new Error('the store failed')
      return end
    },
    { clock, signal: ending.signal },
  )
  return { clock, ending, began, work }
}

const WAITS: RunResult = { madeProgress: false, hasMore: true }

describe('work that is nudged', () => {
  it('runs once for many nudges of a moment, and not before the first', async () => {
    const { clock, began, work } = nudged([])
    await clock.advance(60 * SECOND)
    expect(began).toEqual([])
    for (let count = 0; count < 100; count += 1) work.trigger()
    await clock.advance(60 * SECOND)
    expect(began).toEqual([60_010])
  })

  it('runs again after 1 s, 2 s, 4 s, … to 60 s while it leaves something behind or rejects', async () => {
    const { clock, began, work } = nudged([...Array.from({ length: 7 }, () => WAITS), 'rejects', 'rejects'])
    work.trigger()
    await clock.advance(400 * SECOND)
    const pauses = began.slice(1).map((at, index) => at - (began[index] ?? 0) - 10)
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * SECOND))
    expect(clock.sleeping).toBe(0)
  })

  it('runs at once for a nudge that comes in such a pause', async () => {
    const { clock, began, work } = nudged([WAITS, WAITS, WAITS])
    work.trigger()
    await clock.advance(4 * SECOND)
    const runs = began.length
    work.trigger()
    await clock.advance(10)
    expect(began).toHaveLength(runs + 1)
  })

  it('runs once more for a nudge that comes during a run', async () => {
    const { clock, began, work } = nudged([])
    work.trigger()
    await clock.advance(9)
    work.trigger()
    await clock.advance(SECOND)
    expect(began).toHaveLength(1)
    const busy = createCoalescedTask(
      async () => {
        began.push(clock.monotonic())
        if (began.length === 2) busy.trigger()
        return { madeProgress: true, hasMore: false }
      },
      { clock, signal: new AbortController().signal },
    )
    busy.trigger()
    await clock.advance(SECOND)
    expect(began).toHaveLength(3)
  })

  it('does nothing after its end', async () => {
    const { clock, ending, began, work } = nudged([WAITS])
    work.trigger()
    await clock.advance(10)
    ending.abort()
    work.trigger()
    await clock.advance(60 * SECOND)
    expect(began).toHaveLength(1)
    await work.idle()
    expect(clock.sleeping).toBe(0)
  })
})
