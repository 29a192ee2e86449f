import { describe, expect, it } from 'vitest'
import { MINUTE, type Millis, SECOND } from '../../src/domain/time.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import {
  createPartObservers,
  repeatUntilAborted,
  type RepeatOptions,
  type WorkerObserver,
} from '../../src/ports/worker.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { recordingObserver } from '../world/recording-observer.ts'

const busy = (): GuestpassError => new GuestpassError('store_busy', 'The store is busy.')

/** A loop under way, and the seconds at which its passes began. */
function looping(pass: (progress: WorkerObserver, nth: number) => Millis, more: Partial<RepeatOptions> = {}) {
  const clock = fakeClock()
  const observed = recordingObserver()
  const stop = new AbortController()
  const at: number[] = []
  const ended = repeatUntilAborted(
    async (progress) => {
      at.push(clock.monotonic() / SECOND)
      return pass(progress, at.length)
    },
    { clock, signal: stop.signal, observer: observed.observer, ...more },
  )
  return { clock, ...observed, at, ended, stop: () => stop.abort() }
}

describe('a repeated pass', () => {
  it('pauses as long as each pass says, and is reported once for each', async () => {
    const { clock, at, calls, stop, ended } = looping((_, nth) => nth * SECOND)
    await clock.advance(10 * SECOND)
    expect([at, calls]).toEqual([[0, 1, 3, 6, 10], Array.from({ length: 5 }, () => 'succeeded')])
    stop()
    await ended
    expect(clock.sleeping).toBe(0)
  })

  it('that rejects is reported and repeated after a back-off that doubles up to a bound, and begins anew after a success', async () => {
    const { clock, at, calls, stop, ended } = looping((_, nth) => {
      if (nth !== 6) throw busy()
      return SECOND
    })
    await clock.advance(28 * SECOND)
    expect(at).toEqual([0, 1, 3, 7, 15, 25, 26, 27])
    expect(calls).toEqual([
      ...Array.from({ length: 5 }, () => 'store_busy'),
      'succeeded',
      ...Array.from({ length: 2 }, () => 'store_busy'),
    ])
    stop()
    await ended
  })

  it.each([0, -SECOND, Number.NaN, 0.25])('lets other work have its turn when it says %d', async (ms) => {
    const { clock, at, stop, ended } = looping(() => ms)
    await clock.advance(5)
    expect(at).toHaveLength(6)
    stop()
    await ended
  })

  it('is not ended by an observer that throws', async () => {
    const broken = (): never => {
      throw new Error('the observer is broken')
    }
    const observer = { succeeded: broken, failed: broken }
    const { clock, at, stop, ended } = looping(
      (_, nth) => {
        if (nth === 2) throw busy()
        return SECOND
      },
      { observer },
    )
    await clock.advance(3 * SECOND)
    expect(at).toEqual([0, 1, 2, 3])
    stop()
    await ended
  })

  it('ends with the signal, and what the abort made fail is not reported', async () => {
    const { calls, ended, stop, clock } = looping((_, nth) => {
      if (nth === 1) return SECOND
      stop()
      throw busy()
    })
    await clock.advance(SECOND)
    await ended
    expect(calls).toEqual(['succeeded'])
  })

  it('ends with the fault of a clock that cannot sleep, and does not spin', async () => {
    const clock = { ...fakeClock(), sleep: () => Promise.reject(new RangeError('no time')) }
    const { ended } = looping(() => SECOND, { clock })
    await expect(ended).rejects.toThrow('no time')
  })
})

describe('parts of a pass', () => {
  it('that fail are each reported; passes without work count as no success until one succeeds', async () => {
    const { clock, calls, stop, ended } = looping((progress, nth) => {
      if (nth === 2) {
        progress.failed(busy())
        progress.failed(busy())
      }
      if (nth === 4) {
        progress.succeeded()
        progress.failed(busy())
      }
      return SECOND
    })
    await clock.advance(4 * SECOND)
    expect(calls).toEqual(['succeeded', 'store_busy', 'store_busy', 'store_busy', 'succeeded', 'succeeded'])
    stop()
    await ended
  })

  it('that failed count for ten minutes where none is tried again', async () => {
    const { clock, calls, last, stop, ended } = looping((progress, nth) => {
      if (nth === 1) progress.failed(busy())
      return SECOND
    })
    await clock.advance(10 * MINUTE - SECOND)
    expect(calls).toEqual(['store_busy'])
    await clock.advance(SECOND)
    expect(last()).toBe('succeeded')
    stop()
    await ended
  })
})

describe('the parts of a worker', () => {
  it('succeed together: not while one of them fails, and again when it is dropped', () => {
    const { observer, calls } = recordingObserver()
    const part = createPartObservers(observer)
    const [one, two] = [part(), part()]
    one.failed(busy())
    two.succeeded()
    one.succeeded()
    expect(calls).toEqual(['store_busy', 'succeeded'])
    one.failed(busy())
    one.drop()
    two.succeeded()
    expect(calls).toEqual(['store_busy', 'succeeded', 'store_busy', 'succeeded'])
  })
})
