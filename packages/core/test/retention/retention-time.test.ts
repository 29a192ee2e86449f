import { describe, expect, it } from 'vitest'
import { DAY, HOUR, type Instant, iso, type Millis, MINUTE } from '../../src/domain/time.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { createRetentionTime } from '../../src/retention/retention-time.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock } from '../../src/testing/index.ts'

/** A store, a clock that can be set, and processes on both. Ages are judged by days since the start. */
function world() {
  const fake = fakeClock()
  const store = memoryStore({ clock: fake })
  const start = fake.wall()
  let ahead: Millis = 0
  let commits = 0
  const commit: typeof store.commit = (change) => {
    commits += 1
    return store.commit(change)
  }
  const clock: Clock = { ...fake, wall: () => fake.wall() + ahead }
  return {
    advance: fake.advance,
    /** Sets the wall clock ahead of the right time. */
    setAhead: (ms: Millis) => (ahead = ms),
    process: () => createRetentionTime('default', { store: { ...store, commit }, clock }),
    days: (at: Instant) => (at - start) / DAY,
    now: () => clock.wall(),
    commits: () => commits,
  }
}

describe('the time of retention', () => {
  it('is that of the wall clock, also for a process that starts a week later, and is stored once a day', async () => {
    const { advance, process, now, commits } = world()
    const first = process()
    for (let hour = 0; hour < 48; hour += 1) {
      expect(await first.now()).toBe(now())
      await advance(HOUR)
    }
    expect(commits()).toBe(2)
    await advance(6 * DAY)
    expect(await process().now()).toBe(now())
  })

  it('follows a running process, however far its clock was advanced', async () => {
    const { advance, process, now } = world()
    const first = process()
    await first.now()
    await advance(400 * DAY)
    expect(iso(await first.now())).toBe(iso(now()))
  })

  it('goes on by a week at most after the wall clock was set a year ahead, in all processes', async () => {
    const { advance, process, days, setAhead } = world()
    const first = process()
    await first.now()
    setAhead(365 * DAY)
    await advance(HOUR)
    expect(days(await first.now())).toBe(7)
    // Processes that start again and again do not get further.
    for (let nth = 0; nth < 10; nth += 1) {
      await advance(MINUTE)
      expect(days(await process().now())).toBeLessThan(7.01)
    }
    for (let hour = 0; hour < 24; hour += 1) {
      await advance(HOUR)
      await process().now()
    }
    expect(days(await process().now())).toBeLessThan(13.1)
  })

  it('is the right time again when the wall clock is', async () => {
    const { advance, process, now, setAhead } = world()
    const first = process()
    await first.now()
    setAhead(365 * DAY)
    await first.now()
    setAhead(0)
    for (const after of [0, HOUR, DAY]) {
      await advance(after)
      expect(await first.now()).toBe(now())
      expect(await process().now()).toBe(now())
    }
  })

  it('catches up with the wall clock after a month without a pass', async () => {
    const { advance, process, days, now } = world()
    await process().now()
    await advance(30 * DAY)
    expect(days(await process().now())).toBe(7)
    const second = process()
    for (let hour = 0; hour < 5 * 24; hour += 1) {
      await second.now()
      await advance(HOUR)
    }
    expect(await second.now()).toBe(now())
  })
})
