import { describe, expect, it } from 'vitest'
import { SECOND } from '../src/domain/time.ts'
import { ID, issued } from './refresh-world.ts'
import { passing, refusal } from './world.ts'

const busy = (seconds: string) => async () => ({
  status: 429,
  headers: { 'retry-after': seconds },
  bytes: new Uint8Array(),
})

/** A guest whose next refresh meets a 429 with a wait of 40 s. */
async function waiting() {
  const here = await issued({ repeats: true })
  here.upstream.meets(busy('40'))
  return { ...here, begun: here.clock.wall() }
}

describe('an upstream that says to come again in 40 s', () => {
  it('is waited for by a caller who has 60 s, and not asked earlier', async () => {
    const { guests, upstream, clock, begun } = await waiting()
    const next = await passing(clock, guests.refresh(ID, {}, { patienceMs: 60 * SECOND }))
    expect(next.generation).toBe(2)
    const [first, second, ...more] = upstream.refreshes
    expect(more).toEqual([])
    expect(first?.key).toBe(second?.key)
    expect((second?.at ?? 0) - begun).toBeGreaterThanOrEqual(40 * SECOND)
    expect((second?.at ?? 0) - begun).toBeLessThanOrEqual(45 * SECOND)
  })

  it.each([30, undefined])('fails at once for a caller who has %s s, with the time to come back', async (patience) => {
    const { guests, upstream, clock, begun } = await waiting()
    const patienceMs = patience && patience * SECOND
    const error = await passing(clock, refusal(guests.refresh(ID, {}, { patienceMs })))
    expect(error).toMatchObject({ code: 'upstream_busy', retryAt: begun + 40 * SECOND })
    expect(clock.wall() - begun).toBeLessThan(SECOND)
    expect(upstream.refreshes).toHaveLength(1)
  })
})

describe('an upstream that fails and does not say when to come again', () => {
  it('is asked three times more, later each time', async () => {
    const { guests, upstream, clock } = await issued({ repeats: true })
    upstream.meets(
      ...Array.from({ length: 3 }, () => async () => ({ status: 503, headers: {}, bytes: new Uint8Array() })),
    )
    expect((await passing(clock, guests.refresh(ID))).generation).toBe(2)
    expect(upstream.refreshes).toHaveLength(4)
    expect(new Set(upstream.refreshes.map(({ key }) => key)).size).toBe(1)
  })
})
