import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fastFolder, type GrowthReport, isRight, simulateGrowth } from '../growth/growth.ts'

it('a store levels off within a simulated month of renewals and guests that come and go', async () => {
  const folder = await mkdtemp(join(fastFolder(), 'guestpass-growth-'))
  const month = { days: 30, sessions: 16, leaving: 0.25, recordDays: 5, endedGuestDays: 3, stepHours: 6, seed: 1 }
  try {
    const result = await simulateGrowth({ folder, ...month }, 1, () => {})
    expect(isRight(result), JSON.stringify(result)).toBe(true)
    expect(result.refreshes).toBeGreaterThan(300)
    // About five days of records remain, and guests of the last days.
    const [atTen, last] = [result.sizes[9], result.sizes.at(-1)]
    expect(last?.events).toBeLessThan((atTen?.events ?? 0) * 1.3)
    expect(last?.guests).toBeLessThan((atTen?.guests ?? 0) * 1.3)
  } finally {
    await rm(folder, { recursive: true })
  }
}, 60_000)

it('a simulation is wrong if the file grew at the end, a refresh was not counted once, or a token had ended', () => {
  const size = (day: number, bytes: number) => ({ day, bytes, guests: 1, events: 1, documents: 1 })
  const right: GrowthReport = {
    sizes: [size(10, 90), size(20, 100), size(30, 104)],
    refreshes: 1,
    wronglyCounted: 0,
    withoutToken: 0,
  }
  expect(isRight(right)).toBe(true)
  const grown = { sizes: [size(20, 100), size(30, 106)] }
  for (const wrong of [grown, { sizes: [] }, { wronglyCounted: 1 }, { withoutToken: 1 }, { chainFault: 'edited' }])
    expect(isRight({ ...right, ...wrong })).toBe(false)
})
