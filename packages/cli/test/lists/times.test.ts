import { describe, expect, it } from 'vitest'
import { timeText } from '../../src/lists/times.ts'

const NOW = Date.UTC(2026, 0, 31)
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

describe('a time of a list', () => {
  it.each([
    [0, 'now'],
    [999, 'now'],
    [-999, 'now'],
    [SECOND, 'in 1 s'],
    [119 * SECOND, 'in 119 s'],
    [2 * MINUTE, 'in 2 min'],
    [-5 * MINUTE - 59 * SECOND, '5 min ago'],
    [119 * MINUTE, 'in 119 min'],
    [47 * HOUR, 'in 47 h'],
    [-400 * DAY, '400 d ago'],
  ])('%i ms from now is %s', (ms, text) => {
    expect(timeText(NOW + ms, { now: NOW })).toBe(text)
  })

  it('is ISO 8601 with --utc, and empty if it is absent', () => {
    expect(timeText(NOW + 1, { now: NOW, utc: true })).toBe('2026-01-31T00:00:00.001Z')
    expect(timeText(undefined, { now: NOW, utc: true })).toBe('')
  })
})
