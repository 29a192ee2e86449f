import { describe, expect, test } from 'vitest'
import type { GuestpassError } from '../../src/domain/errors.ts'
import { deadline } from '../../src/policy/deadline.ts'
import { type Call, pipeline, TryFailure } from '../../src/policy/pipeline.ts'
import { retry } from '../../src/policy/retry.ts'
import { timeout } from '../../src/policy/timeout.ts'
import { fakeClock, seededRandom, settle } from '../../src/testing/index.ts'
import { aCall, refused, watched } from './calls.ts'

const never = (): Promise<never> => new Promise(() => {})

describe.each([
  ['deadline', deadline],
  ['time-out', timeout],
] as const)('a %s', (_, layer) => {
  test('lets an answer through and leaves no timer behind', async () => {
    const clock = fakeClock()
    await expect(layer(1_000, { clock })(async () => 'answer')(aCall())).resolves.toBe('answer')
    await settle()
    expect(clock.sleeping).toBe(0)
  })

  test('lets an error through and leaves no timer behind', async () => {
    const clock = fakeClock()
    const attempt = layer(1_000, { clock })(() => Promise.reject(new Error('no')))
    await expect(attempt(aCall())).rejects.toThrow('no')
    await settle()
    expect(clock.sleeping).toBe(0)
  })

  test('ends an attempt that does not listen', async () => {
    const clock = fakeClock()
    const work = watched(layer(1_000, { clock })(never)(aCall()))
    await clock.advance(999)
    expect(work.now.state).toBe('pending')
    await clock.advance(1)
    expect(work.now.state).toBe('failed')
  })

  test('aborts the signal of the attempt with the same reason', async () => {
    const clock = fakeClock()
    let signal = new AbortController().signal
    const work = watched(
      layer(1_000, { clock })((call) => {
        signal = call.signal
        return never()
      })(aCall()),
    )
    await clock.advance(1_000)
    expect(signal.aborted).toBe(true)
    expect(work.now.error).toBe(signal.reason)
  })

  test("passes the caller's abort through with its own reason", async () => {
    const clock = fakeClock()
    const caller = new AbortController()
    let inner = new AbortController().signal
    const work = watched(
      layer(1_000, { clock })((call) => {
        inner = call.signal
        return never()
      })(aCall({ signal: caller.signal })),
    )
    const reason = new Error('changed my mind')
    caller.abort(reason)
    await settle()
    expect(work.now.error).toBe(reason)
    expect(inner.reason).toBe(reason)
    expect(clock.sleeping).toBe(0)
  })

  test('starts nothing for a caller who is gone', async () => {
    let asked = 0
    const attempt = layer(1_000, { clock: fakeClock() })(async () => (asked += 1))
    await expect(attempt(aCall({ signal: AbortSignal.abort(new Error('gone')) }))).rejects.toThrow('gone')
    expect(asked).toBe(0)
  })

  test('may be infinite, and then takes no timer', async () => {
    const clock = fakeClock()
    const work = watched(layer(Number.POSITIVE_INFINITY, { clock })(never)(aCall()))
    await clock.advance(1e12)
    expect(work.now.state).toBe('pending')
    expect(clock.sleeping).toBe(0)
  })

  test.each([0, -1, Number.NaN])('refuses %d as its length', (ms) => {
    expect(() => layer(ms, { clock: fakeClock() })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})

describe('the deadline', () => {
  test('ends with deadline_exceeded, naming the call and what to do', async () => {
    const clock = fakeClock()
    const work = watched(deadline(30_000, { clock })(never)(aCall()))
    await clock.advance(30_000)
    const error = work.now.error as GuestpassError
    expect(error.code).toBe('deadline_exceeded')
    expect(error.message).toMatch(/generate-token.*30 s.*default.*Ask again/)
  })

  test('names the failure of the latest try, with its cause and what upstream answered', async () => {
    const clock = fakeClock()
    let tries = 0
    const attempt = (): Promise<never> => {
      tries += 1
      return tries === 1 ? Promise.reject(refused(503)) : never()
    }
    const layers = pipeline(deadline(30_000, { clock }), retry({}, { clock, random: seededRandom(1) }))
    const work = watched(layers(attempt)(aCall()))
    await clock.advance(30_000)
    expect(tries).toBe(2)
    const error = work.now.error as GuestpassError
    expect(error).toMatchObject({ code: 'deadline_exceeded', upstream: { status: 503 } })
    expect(error.message).toMatch(/30 s.*The last failure: generate-token: upstream answered 503\..*Ask again/)
    expect(error.cause).toMatchObject({ code: 'upstream_unavailable' })
  })

  test('gives the layers the remaining time', async () => {
    const clock = fakeClock()
    let left: Call['remainingMs'] = () => Number.NaN
    const work = watched(
      deadline(1_000, { clock })((call) => {
        left = call.remainingMs
        return never()
      })(aCall()),
    )
    expect(left()).toBe(1_000)
    await clock.advance(400)
    expect(left()).toBe(600)
    await clock.advance(5_000)
    expect(left()).toBe(0)
    expect(work.now.state).toBe('failed')
  })

  test('never allows more than a deadline outside of it', async () => {
    const clock = fakeClock()
    let left = 0
    const attempt = deadline(5_000, { clock })(async (call) => (left = call.remainingMs()))
    await attempt(aCall({ remainingMs: () => 300 }))
    expect(left).toBe(300)
  })

  test('is not moved by setting the wall clock', async () => {
    const clock = fakeClock()
    let left: Call['remainingMs'] = () => Number.NaN
    void watched(
      deadline(1_000, { clock })((call) => {
        left = call.remainingMs
        return never()
      })(aCall()),
    )
    clock.stepWall(86_400_000)
    expect(left()).toBe(1_000)
    clock.stepWall(-2 * 86_400_000)
    expect(left()).toBe(1_000)
  })
})

describe('the time-out', () => {
  test.each([
    ['whose answer was lost, when it was sent', true, 'unknown', /generate-token: no answer within 10 s/],
    ['that was not sent, when nothing of it was written', false, 'no', /generate-token: not sent within 10 s/],
  ])('is a failed try %s', async (_, isSent, sent, message) => {
    const clock = fakeClock()
    const attempt = (call: Call): Promise<never> => {
      if (isSent) call.onSend()
      return never()
    }
    const work = watched(timeout(10_000, { clock })(attempt)(aCall()))
    await clock.advance(10_000)
    const failure = work.now.error as unknown as TryFailure
    expect(failure).toBeInstanceOf(TryFailure)
    expect(failure.facts).toMatchObject({ code: 'upstream_unavailable', sent })
    expect(failure.message).toMatch(message)
  })
})
