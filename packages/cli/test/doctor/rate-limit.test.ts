import { memoryStore } from '@guestpass/core'
import { fakeClock } from '@guestpass/core/testing'
import { describe, expect, it } from 'vitest'
import { rateLimit } from '../../src/doctor/rate-limit.ts'

/** A store whose buckets allow 300 requests a minute. */
function limited() {
  const clock = fakeClock()
  const store = memoryStore({ clock })
  return { clock, store, found: () => rateLimit({ store, connection: 'default', ports: { clock } }, 300) }
}

describe('the rate limit', () => {
  it('is a warning with the pace and the time of the next request while a pause of the upstream lasts', async () => {
    const { clock, store, found } = limited()
    expect(await found()).toEqual({
      check: 'rate limit',
      state: 'ok',
      message: 'requests can be sent now, at most 300 a minute',
    })
    await store.applyFeedback('default', 'api', { pauseMs: 120_000, perMinute: 60 })
    await clock.advance(60_000)
    expect(await found()).toEqual({
      check: 'rate limit',
      state: 'warning',
      message:
        'requests to the API wait: paced to 60 a minute since 2026-01-01T00:00:00.000Z, as the upstream allows, next request possible at 2026-01-01T00:02:00.000Z',
      remedy: expect.stringMatching(/^The upstream asked to wait\..*GENESYS_RATE_LIMIT/),
    })
    await clock.advance(60_000)
    expect(await found()).toMatchObject({
      state: 'ok',
      message: expect.stringMatching(/; requests to the API: paced to 60 a minute since 2026-01-01T00:00:00.000Z, /),
    })
  })

  it('is a warning while the processes on the store ask for more than it allows', async () => {
    const { store, found } = limited()
    await store.reservePermits('default', 'token', { perMinute: 300, burst: 10, permits: 30, maxWaitMs: 0 })
    expect(await found()).toMatchObject({
      state: 'warning',
      message:
        'requests for access tokens wait: paced to 300 a minute, next request possible at 2026-01-01T00:00:04.200Z',
      remedy: expect.stringMatching(/^More is asked for than the limit allows\./),
    })
  })

  it('advises no higher setting while the upstream allows less than the setting', async () => {
    const { store, found } = limited()
    await store.applyFeedback('default', 'api', { perMinute: 6 })
    await store.reservePermits('default', 'api', { perMinute: 300, burst: 10, permits: 12, maxWaitMs: 0 })
    const finding = await found()
    expect(finding).toMatchObject({ state: 'warning', remedy: expect.stringContaining('The pace rises with') })
    expect(finding).not.toMatchObject({ remedy: expect.stringContaining('raise GENESYS_RATE_LIMIT') })
  })

  it('is looked at without taking a permit', async () => {
    const { store, found } = limited()
    for (let looks = 0; looks < 20; looks += 1) await found()
    const answer = await store.reservePermits('default', 'api', {
      perMinute: 300,
      burst: 10,
      permits: 10,
      maxWaitMs: 0,
    })
    expect(answer).toEqual({ granted: true, waitMs: 0, intervalMs: 0 })
  })
})
