import { describe, expect, it } from 'vitest'
import { sinceOption } from '../src/since.ts'

const NOW = Date.UTC(2026, 0, 31)

describe('a moment in the past', () => {
  it.each([
    ['60s', NOW - 60_000],
    ['90m', NOW - 90 * 60_000],
    ['24h', NOW - 24 * 3_600_000],
    ['7d', NOW - 7 * 24 * 3_600_000],
    ['2026-01-30', Date.UTC(2026, 0, 30)],
    ['2026-01-30T08:00', Date.UTC(2026, 0, 30, 8)],
    ['2026-01-30T08:00:01.5Z', Date.UTC(2026, 0, 30, 8, 0, 1, 500)],
    ['2026-01-30T08:00+02:00', Date.UTC(2026, 0, 30, 6)],
  ])('is written as %s', (text, at) => {
    expect(sinceOption.parse(text)(NOW)).toBe(at)
  })

  it.each([
    '',
    '7',
    '7w',
    '-1h',
    'yesterday',
    '2026-13-01',
    '2026-02-30',
    '2026-01-30T24:01',
    '2026-01-30T08:00ZZ',
    '2026-01-30Z',
    '2026',
    '01/30/2026',
  ])('is not written as %j', (text) => {
    expect(sinceOption.safeParse(text).success).toBe(false)
  })
})
