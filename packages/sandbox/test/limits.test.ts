import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Limit, createLimits } from '../src/limits.ts'
import { accessToken, askToken, control, mint, send, START, startSandbox } from './genesys-client.ts'

const told = ({ headers }: { headers: Headers }) =>
  ['count', 'allowed', 'reset'].map((name) => Number(headers.get(`inin-ratelimit-${name}`)))

describe('the limit of an access token', () => {
  it('is 300 requests in a minute unless configured, and told with every answer', async () => {
    const sandbox = await startSandbox()
    const headers = { authorization: `Bearer ${await accessToken(sandbox)}` }
    const me = () => send(sandbox, '/api/v2/tokens/me', { headers })
    expect(told(await me())).toEqual([1, 300, 60])
    sandbox.advance(20_500)
    expect(told(await me())).toEqual([2, 300, 40])
    for (let n = 3; n <= 300; n += 1) await me()
    const refused = await me()
    expect([refused.status, ...told(refused)]).toEqual([429, 300, 300, 40])
  })

  it('refuses with the seconds to wait in the header and in the message, and lets the next window pass', async () => {
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
    expect(told(await mint(sandbox, {}, token))).toEqual([1, 2, 60])
  })

  it('is its own: another token of the same client is not held up', async () => {
    const sandbox = await startSandbox({ rateLimit: { perMinute: 1 } })
    const [one, two] = [await accessToken(sandbox), await accessToken(sandbox)]
    await mint(sandbox, {}, one)
    expect((await mint(sandbox, {}, one)).status).toBe(429)
    expect((await mint(sandbox, {}, two)).status).toBe(200)
  })

  it('with a burst is a bucket that refills steadily', async () => {
    const sandbox = await startSandbox({ rateLimit: { perMinute: 60, burst: 2 } })
    const token = await accessToken(sandbox)
    const statuses = [await mint(sandbox, {}, token), await mint(sandbox, {}, token), await mint(sandbox, {}, token)]
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(statuses.map(told)).toEqual([
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

  it('changes for tokens that are out already', async () => {
    const sandbox = await startSandbox({ rateLimit: { perMinute: 1 } })
    const token = await accessToken(sandbox)
    await mint(sandbox, {}, token)
    const { json } = await control(sandbox, 'limits', { perMinute: 5, burst: 2 })
    expect(json).toEqual({ perMinute: 5, burst: 2 })
    expect(told(await mint(sandbox, {}, token)).slice(0, 2)).toEqual([4, 5])
    sandbox.setLimits({ perMinute: 7 })
    expect(told(await mint(sandbox, {}, token))).toEqual([1, 7, 60])
  })

  it('counts a call that lacks the scope, but none without a valid token', async () => {
    const sandbox = await startSandbox()
    const token = await accessToken(sandbox, 'guest:read')
    expect(told(await mint(sandbox, {}, token))).toEqual([1, 300, 60])
    expect(told(await mint(sandbox, {}, 'unknown'))).toEqual([0, 300, 60])
  })

  it('does not hold at the token endpoint', async () => {
    const sandbox = await startSandbox({ rateLimit: { perMinute: 1 } })
    expect((await askToken(sandbox)).status).toBe(200)
    expect((await askToken(sandbox)).status).toBe(200)
  })

  it('begins anew when the clock is put back', async () => {
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
  it('never grants more than its size and what was refilled since', () => {
    fc.assert(
      fc.property(anyLimit, waits, (limit, gaps) => {
        let now = START
        const limiter = createLimits(limit, () => now)
        const lane = limiter.newUsage()
        let granted = 0
        for (const gap of gaps) {
          now += gap
          if (limiter.take(lane).granted) granted += 1
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

  it('grants the request that comes when a refusal said, and tells what is left truly', () => {
    fc.assert(
      fc.property(anyLimit, fc.integer({ min: 0, max: 60_000 }), (limit, pause) => {
        let now = START
        const limiter = createLimits(limit, () => now)
        const lane = limiter.newUsage()
        limiter.take(lane)
        now += pause
        let permit = limiter.take(lane)
        while (permit.granted) {
          const left = permit.allowed - permit.count
          const next = limiter.take(lane)
          expect(next.granted).toBe(left > 0)
          permit = next
        }
        expect(permit.retryAfterSeconds).toBeGreaterThanOrEqual(1)
        now += permit.retryAfterSeconds * 1000
        expect(limiter.take(lane).granted).toBe(true)
      }),
    )
  })
})
