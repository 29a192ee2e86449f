import { readdirSync } from 'node:fs'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { fakeClock } from '@guestpass/core/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { limitingFactor, type MeasuredLoad } from '../../src/load/limiting-factor.ts'
import { runPhase } from '../../src/load/load-phase.ts'
import { type User, user } from '../e2e/user.ts'

describe('calls at a fixed rate', () => {
  it('start whether those before have ended or not, and count from when they were due', async () => {
    const clock = fakeClock()
    const starts: number[] = []
    const begin = clock.wall()
    const phase = runPhase(
      [0, 1, 2, 3],
      async (nth) => {
        starts.push(clock.wall() - begin)
        await clock.sleep(1_000)
        if (nth === 3) throw new Error('the last one fails')
      },
      { clock, signal: new AbortController().signal, rate: 10, onCall: () => {} },
    )
    await clock.advance(2_000)
    expect(await phase).toMatchObject({
      asked: 4,
      done: 3,
      failures: { internal: 1 },
      seconds: 1.3,
      achievedPerSecond: 2.3,
    })
    expect(starts).toEqual([0, 100, 200, 300])
  })

  it('end with the signal', async () => {
    const clock = fakeClock()
    const stopping = new AbortController()
    const phase = runPhase([1, 2], async () => {}, { clock, signal: stopping.signal, rate: 1, onCall: () => {} })
    stopping.abort(new Error('stopped'))
    await expect(phase).rejects.toThrow('stopped')
  })
})

describe('what limited a load', () => {
  const figures = { failures: {}, seconds: 10, p50Ms: 20, p99Ms: 40 }
  const upstream = { requests: 100, p50Ms: 10, p99Ms: 20, rateLimited: 0, failed: 0 }
  const slow = { ...figures, asked: 100, done: 100, achievedPerSecond: 5 }
  const load: MeasuredLoad = { rate: 10, phase: slow, upstream, perMinute: 6_000, busy: 0.2 }
  it.each<[MeasuredLoad, string]>([
    [{ ...load, phase: { ...slow, achievedPerSecond: 9.5 } }, 'none'],
    [{ ...load, upstream: { ...upstream, rateLimited: 3 } }, 'upstream_limit'],
    [{ ...load, upstream: { ...upstream, failed: 3 } }, 'upstream_errors'],
    [{ ...load, perMinute: 300 }, 'rate_limit'],
    [{ ...load, upstream: { ...upstream, allowedPerMinute: 300 } }, 'upstream_limit'],
    [{ ...load, upstream: { ...upstream, allowedPerMinute: 900 } }, 'upstream_latency'],
    [{ ...load, busy: 0.95 }, 'machine'],
    [load, 'upstream_latency'],
  ])('is named from what was measured (%#: %j)', (measured, factor) => {
    expect(limitingFactor(measured).factor).toBe(factor)
  })
})

describe('guestpass load', () => {
  let upstream: Sandbox
  let ann: User
  beforeAll(async () => {
    upstream = await sandbox({ rateLimit: { perMinute: 6_000 } })
  })
  afterAll(() => upstream.close())
  beforeEach(() => {
    ann = user({ ...upstream.env, GENESYS_RATE_LIMIT: '6000' })
  })
  afterEach(() => ann.removeFolder())

  it('issues and refreshes guests, says what limited it, and leaves nothing in the folder', async () => {
    const { code, said } = await ann.runJson('load --guests 12 --rate 200')
    expect([code, said]).toMatchObject([
      0,
      {
        guests: 12,
        phases: [
          { call: 'issue', asked: 12, done: 12, failures: {}, upstream: { requests: 12, rateLimited: 0 } },
          { call: 'refresh', asked: 12, done: 12, failures: {}, upstream: { requests: 12, rateLimited: 0 } },
        ],
      },
    ])
    expect(readdirSync(ann.cwd)).toEqual([])
    expect(upstream.journal().filter(({ operation }) => operation === 'mint')).toHaveLength(13)
  })

  it('prints its table and exits 1 if every call fails', async () => {
    // The first one is not measured: a mistake would end the command there.
    upstream.script([
      { on: 'mint', do: { delayMs: 0 } },
      { on: 'mint', do: { status: 400 }, times: 9 },
    ])
    const { code, out } = await ann.run('load --guests 3 --rate 200')
    upstream.script([])
    expect(out).toMatch(/^CALL .* DONE +FAILED .*\nissue +200 +0 +0 +3 .*\nrefresh +200 +0 +0 +3 /)
    expect(out).toContain('issue: 3 failed with upstream_rejected.')
    expect(out).toContain('refresh: 3 failed with guest_unknown.')
    expect(code).toBe(1)
  })

  it('refuses the public platform until it is confirmed, and a connection without a secret', async () => {
    const platform = {
      GENESYS_REGION: 'mypurecloud.ie',
      GENESYS_OAUTH_BASE_URL: '',
      GENESYS_API_BASE_URL: '',
      GENESYS_BASE_URL: '',
      GENESYS_JWKS_URL: '',
    }
    const { text } = await ann.expectFailure('load', 2, 'invalid_input', { env: { ...platform } })
    expect(text).toContain('--yes')
    const { problem } = await ann.expectFailure('load', 2, 'config_invalid', { env: { GENESYS_CLIENT_SECRET: '' } })
    expect(problem.fields?.[0]?.field).toBe('GENESYS_CLIENT_SECRET')
    expect(readdirSync(ann.cwd)).toEqual([])
  })
})
