import { describe, expect, it } from 'vitest'
import { isRight, rotated } from '../../openid/rotations.ts'

const short = { rotations: 12, restarts: 1, downMs: 300, processes: 3 }

describe('three processes that share a sign-in at a real provider', { timeout: 120_000 }, () => {
  it('present each refresh token once, also when the provider is restarted, and the sign-in lasts', async () => {
    const found = await rotated(short)
    expect(isRight(found, short), JSON.stringify(found)).toBe(true)
    expect(found.generations).toBeGreaterThan(10)
  })
})
