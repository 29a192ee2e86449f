import { describe, expect, it } from 'vitest'
import { phaseOf } from '../torture/rotation/phases.ts'
import { measured } from './measured.ts'

const rotated = (...args: readonly string[]) => measured('rotation/run.ts', '--seed', '11', ...args)

describe('processes that share a sign-in and are killed', { timeout: 120_000 }, () => {
  it.concurrent.each(['strict', 'grace'])(
    'present no refresh token twice undeclared, and lose none silently (%s)',
    async (profile) => {
      const few = ['--kills', '8', '--processes', '4', '--connections', '8']
      const { exit, said, figure } = await rotated('--profile', profile, ...few)
      expect(figure('kills')).toBeGreaterThanOrEqual(8)
      expect(figure('kills between intent and commit'), said).toBeGreaterThan(1)
      expect(figure('refreshes that took effect upstream'), said).toBeGreaterThan(0)
      expect(exit, said).toBe(0)
    },
  )

  it.concurrent('are caught when they write no intent before they send', async () => {
    const { exit, said } = await rotated('--kills', '300', '--processes', '3', '--bug', 'no-intent')
    expect(exit, said).toBe(1)
  })
})

it('a kill is counted in the phase of which its worker told last', () => {
  const told = (...points: readonly string[]): string => points.map((point) => `torture: at ${point}\n`).join('')
  expect(phaseOf('a warning\n')).toBe('before its first refresh')
  expect(phaseOf(told('before-intent-commit', 'after-send'))).toBe('while upstream works')
  expect(phaseOf(`${told('before-tokens-commit')}torture: reached before-tokens-commit\n`)).toBe('in the commit')
  expect(phaseOf(told('after-send', 'over'))).toBe('after a failure')
})
