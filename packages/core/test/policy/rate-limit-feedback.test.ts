import { describe, expect, test } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import { rateLimitFeedback } from '../../src/policy/rate-limit-feedback.ts'

const now = Date.UTC(2026, 0, 1)
const headers = (count: unknown, allowed: unknown, reset: unknown): Record<string, string> => ({
  'inin-ratelimit-count': String(count),
  'inin-ratelimit-allowed': String(allowed),
  'inin-ratelimit-reset': String(reset),
})

describe('what an answer teaches about the limit', () => {
  test('an answer without the headers teaches nothing', () => {
    expect(rateLimitFeedback({ status: 200, headers: {} }, now)).toEqual({})
  })

  test('the limit is learned from every answer', () => {
    expect(rateLimitFeedback({ status: 200, headers: headers(1, 180, 61) }, now)).toEqual({ perMinute: 180 })
  })

  test('when the count reaches the limit, it pauses until the count begins anew', () => {
    expect(rateLimitFeedback({ status: 200, headers: headers(179, 180, 30) }, now)).toEqual({ perMinute: 180 })
    expect(rateLimitFeedback({ status: 200, headers: headers(180, 180, 30) }, now)).toEqual({
      perMinute: 180,
      pauseMs: 30_000,
    })
    expect(rateLimitFeedback({ status: 200, headers: headers(181, 180, 30) }, now)).toEqual({
      perMinute: 180,
      pauseMs: 30_000,
    })
  })

  test('a refusal pauses as long as it says', () => {
    const refusal = { status: 429, headers: { 'retry-after': '7' } }
    expect(rateLimitFeedback(refusal, now)).toEqual({ pauseMs: 7_000 })
    expect(rateLimitFeedback({ ...refusal, status: 503 }, now)).toEqual({})
  })

  test('a refusal with an HTTP date is read by the clock of the answer', () => {
    const times = { 'retry-after': 'Thu, 01 Jan 2026 12:00:09 GMT', date: 'Thu, 01 Jan 2026 12:00:00 GMT' }
    expect(rateLimitFeedback({ status: 429, headers: times }, now)).toEqual({ pauseMs: 9_000 })
  })

  test('the longer of the two times counts', () => {
    expect(
      rateLimitFeedback({ status: 429, headers: { ...headers(300, 300, 5), 'retry-after': '9' } }, now).pauseMs,
    ).toBe(9_000)
    expect(
      rateLimitFeedback({ status: 429, headers: { ...headers(300, 300, 9), 'retry-after': '5' } }, now).pauseMs,
    ).toBe(9_000)
  })

  test('a refusal that says no readable time pauses until the reset, or else a second', () => {
    expect(
      rateLimitFeedback({ status: 429, headers: { ...headers(10, 300, 4), 'retry-after': 'soon' } }, now).pauseMs,
    ).toBe(4_000)
    expect(rateLimitFeedback({ status: 429, headers: { 'retry-after': '0' } }, now).pauseMs).toBe(1_000)
    expect(rateLimitFeedback({ status: 429, headers: {} }, now).pauseMs).toBe(1_000)
  })

  test('no pause is longer than an hour', () => {
    expect(rateLimitFeedback({ status: 429, headers: { 'retry-after': '3599' } }, now).pauseMs).toBe(HOUR - SECOND)
    expect(rateLimitFeedback({ status: 429, headers: { 'retry-after': '99999999' } }, now).pauseMs).toBe(HOUR)
  })

  test('a count that would begin anew later than in five minutes teaches no pause', () => {
    expect(rateLimitFeedback({ status: 500, headers: headers(301, 300, 300) }, now)).toEqual({
      perMinute: 300,
      pauseMs: 5 * MINUTE,
    })
    for (const reset of [301, 999_999_999])
      expect(rateLimitFeedback({ status: 500, headers: headers(301, 300, reset) }, now)).toEqual({ perMinute: 300 })
    expect(rateLimitFeedback({ status: 429, headers: headers(301, 300, 999_999_999) }, now).pauseMs).toBe(SECOND)
  })

  test.each(['', '-1', '1.5', 'many', '1e2', '1767225600000', 'NaN'])(
    '%j is no number of requests or seconds',
    (text) => {
      expect(rateLimitFeedback({ status: 200, headers: headers(1, text, 5) }, now)).toEqual({})
      expect(rateLimitFeedback({ status: 200, headers: headers(text, 300, 5) }, now)).toEqual({ perMinute: 300 })
      expect(rateLimitFeedback({ status: 200, headers: headers(300, 300, text) }, now)).toEqual({ perMinute: 300 })
    },
  )

  test('a limit of nothing is no limit', () => {
    expect(rateLimitFeedback({ status: 200, headers: headers(0, 0, 5) }, now)).toEqual({})
  })
})
