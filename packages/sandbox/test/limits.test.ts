import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Limit, createLimits } from '../src/limits.ts'
import { accessToken, askToken, control, mint, send, START, startSandbox } from './genesys-client.ts'

const limitHeaders = ({ headers }: { headers: Headers }) =>
  ['count', 'allowed', 'reset'].map((name) => Number(headers.get(`inin-ratelimit-${name}`)))

describe('the limit of an access token', () => {
  it('is 300 requests a minute by default, and every answer has its headers', async () => {
    const sandbox = await startSandbox()
    const headers = { authorization: `Bearer ${await accessToken(sandbox)}` }
    const me = () => send(sandbox, '/api/v2/tokens/me', { headers })
    expect(limitHeaders(await me())).toEqual([1, 300, 60])
    sandbox.advance(20_500)
    expect(limitHeaders(await me())).toEqual([2, 300, 40])
    for (let n = 3; n <= 300; n += 1) await me()
    const refused = await me()
    expect([refused.status, ...limitHeaders(refused)]).toEqual([429, 300, 300, 40])
  })

  it('refuses with the seconds to wait in header and message, until the next window', async () => {
    const sandbox = await startSandbox({ rateLimit: { perMinute: 2 } })
    const token = await accessToken(sandbox)
    await mint(sandbox, {}, token)
    sandbox.advance(10_001)
    await mint(sandbox, {}, token)
    const refused = await mint(sandbox, {}, token)
    expect([refused.status, refused.headers.get('retry-after'), refused.json['code']]).toEqual([
      429,
      '50',
      'too.many.requests',
    ])
    expect(refused.json['message']).toMatch(/\[50\]/)
    sandbox.advance(49_998)
    expect((await mint(sandbox, {}, token)).status).toBe(429)
    sandbox.advance(1)
    expect(limitHeaders(await mint(sandbox, {}, token))).toEqual([1, 2, 60])
  })

  it('is separate for each token of a client', async () => {
    const sandbox = await startSandbox({ rateLimit: { perMinute: 1 } })
    const [one, two] = [await accessToken(sandbox), await accessToken(sandbox)]
    await mint(sandbox, {}, one)
    expect((await mint(sandbox, {}, one)).status).toBe(429)
    expect((await mint(sandbox, {}, two)).status).toBe(200)
  })

  it('with a burst is a token bucket that refills at the rate', async () => {
    const sandbox = await startSandbox({ rateLimit: { perMinute: 60, burst: 2 } })
    const token = await accessToken(sandbox)
    const statuses = [await mint(sandbox, {}, token), await mint(sandbox, {}, token), await mint(sandbox, {}, token)]
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(statuses.map(limitHeaders)).toEqual([
      [59, 60, 1],
      [60, 60, 1],
      [60, 60, 1],
    ])
    expect(statuses[2]?.headers.get('retry-after')).toBe('1')
    sandbox.advance(999)
    expect((await mint(sandbox, {}, token)).status).toBe(429)
    sandbox.advance(1)
    expect((await mint(sandbox, {}, token)).status).toBe(200)
    expect((await mint(sandbox, {}, token)).status).toBe(429)
  })

  it('changes for tokens that were issued before', async () => {
    const sandbox = await startSandbox({ rateLimit: { perMinute: 1 } })
    const token = await accessToken(sandbox)
    await mint(sandbox, {}, token)
    const { json } = await control(sandbox, 'limits', { perMinute: 5, burst: 2 })
    expect(json).toEqual({ perMinute: 5, burst: 2 })
    expect(limitHeaders(await mint(sandbox, {}, token)).slice(0, 2)).toEqual([4, 5])
    sandbox.setLimits({ perMinute: 7 })
    expect(limitHeaders(await mint(sandbox, {}, token))).toEqual([1, 7, 60])
  })

  it('counts a call without the scope, but none without a valid token', async () => {
    const sandbox = await startSandbox()
    const token = await accessToken(sandbox, 'guest:read')
    expect(limitHeaders(await mint(sandbox, {}, token))).toEqual([1, 300, 60])
    expect(limitHeaders(await mint(sandbox, {}, 'unknown'))).toEqual([0, 300, 60])
  })

  it('does not apply to the token endpoint', async () => {
    const sandbox = await startSandbox({ rateLimit: { perMinute: 1 } })
    expect((await askToken(sandbox)).status).toBe(200)
    expect((await askToken(sandbox)).status).toBe(200)
  })

  it('starts again when the clock is put back', async () => {
    const sandbox = await startSandbox({ rateLimit: { perMinute: 1 } })
    const token = await accessToken(sandbox)
    await mint(sandbox, {}, token)
    sandbox.setClock(-3_600_000)
    expect((await mint(sandbox, {}, token)).status).toBe(200)
  })
})

const anyLimit: fc.Arbitrary<Limit> = fc.record(
  { perMinute: fc.integer({ min: 1, max: 6000 }), burst: fc.integer({ min: 1, max: 50 }) },
  { requiredKeys: ['perMinute'] },
)
const waits = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 300 })

describe('any limit', () => {
  it('grants at most its size and what was refilled since', () => {
    fc.assert(
      fc.property(anyLimit, waits, (limit, gaps) => {
        let now = START
        const limiter = createLimits(limit, () => now)
        const usage = limiter.newUsage()
        let granted = 0
        for (const gap of gaps) {
          now += gap
          if (limiter.take(usage).granted) granted += 1
        }
        const elapsed = now - START
        const { perMinute, burst } = limit
        const windows = Math.floor(elapsed / 60_000) + 1
        expect(granted).toBeLessThanOrEqual(
          burst === undefined ? perMinute * windows : burst + (elapsed * perMinute) / 60_000 + 1e-6,
        )
      }),
    )
  })

  it('grants a request after Retry-After, and reports the right rest', () => {
    fc.assert(
      fc.property(anyLimit, fc.integer({ min: 0, max: 60_000 }), (limit, pause) => {
        let now = START
        const limiter = createLimits(limit, () => now)
        const usage = limiter.newUsage()
        limiter.take(usage)
        now += pause
        let permit = limiter.take(usage)
        while (permit.granted) {
          const left = permit.allowed - permit.count
          const next = limiter.take(usage)
          expect(next.granted).toBe(left > 0)
          permit = next
        }
        expect(permit.retryAfterSeconds).toBeGreaterThanOrEqual(1)
        now += permit.retryAfterSeconds * 1000
        expect(limiter.take(usage).granted).toBe(true)
      }),
    )
  })
})
