import { describe, expect, it } from 'vitest'
import { diskFault } from '../torture/events/small-disk.ts'
import { hasFaketime } from '../torture/events/wrong-clock.ts'
import { phaseOf } from '../torture/rotation/phases.ts'
import { type Measured, measured } from './measured.ts'

const rotated = (...args: readonly string[]) => measured('rotation/run.ts', '--seed', '11', ...args)

/** What must be 0 in every run. */
const wrong = ({ figure }: Measured): readonly number[] =>
  [
    'acknowledged tokens lost',
    'refresh tokens presented twice, undeclared',
    'refreshes lost silently',
    'generations given out twice',
    'doubts and ends that nothing explains',
    'connections not served at the end',
  ].map(figure)

describe('processes that share a sign-in or a guest', { timeout: 180_000 }, () => {
  it.concurrent.each(['strict', 'grace'])(
    'present no refresh token twice undeclared, and lose none silently, when they are killed (%s)',
    async (profile) => {
      const few = ['--kills', '8', '--processes', '4', '--connections', '8']
      const run = await rotated('--profile', profile, ...few)
      expect(run.figure('kills')).toBeGreaterThanOrEqual(8)
      expect(run.figure('kills between intent and commit'), run.said).toBeGreaterThan(1)
      expect(run.figure('refreshes that took effect upstream'), run.said).toBeGreaterThan(0)
      expect(wrong(run), run.said).toEqual([0, 0, 0, 0, 0, 0])
      expect(run.exit, run.said).toBe(0)
    },
  )

  it.concurrent('do so in pauses, and when the network fails before they send', async () => {
    const run = await rotated('--events', '8', '--mix', 'pauses,unsent', '--processes', '4', '--connections', '8')
    expect([run.figure('pauses'), run.figure('unsent')], run.said).toEqual([4, 4])
    expect(run.figure('refreshes that took effect upstream'), run.said).toBeGreaterThan(0)
    expect(wrong(run), run.said).toEqual([0, 0, 0, 0, 0, 0])
  })

  it.skipIf(diskFault() !== undefined || !hasFaketime()).concurrent(
    'do so on full disks and with wrong clocks',
    async () => {
      const run = await rotated('--events', '5', '--mix', 'disk,clock', '--processes', '4', '--connections', '8')
      expect(run.figure('disk') + run.figure('clock'), run.said).toBe(5)
      expect(run.figure('refreshes that took effect upstream'), run.said).toBeGreaterThan(0)
      expect(wrong(run), run.said).toEqual([0, 0, 0, 0, 0, 0])
    },
  )
})

describe('workers with a seeded bug', { timeout: 180_000 }, () => {
  const caught = async (bug: string, figure: string, args: string): Promise<void> => {
    const run = await rotated('--bug', bug, '--processes', '4', ...args.split(' '))
    expect(run.figure(figure), run.said).toBeGreaterThan(0)
    expect(run.exit).toBe(1)
  }
  const [twice, nothing] = ['refresh tokens presented twice, undeclared', 'doubts and ends that nothing explains']

  it.concurrent('are caught when they write no intent before they send', () =>
    caught('no-intent', 'refreshes lost silently', '--kills 300 --settle 0'))

  it.concurrent('are caught when they send after a pause without a look', () =>
    caught(
      'no-look',
      twice,
      '--events 40 --mix pauses --pause-at before-send --connections 4 --weather fair --settle 0',
    ))

  it.concurrent('are caught when a fault before the send counts as a lost answer', () =>
    caught('all-lost', nothing, '--events 40 --mix unsent --connections 8 --weather fair --settle 0'))

  it.skipIf(diskFault() !== undefined).concurrent('are caught when they give up on a full disk', () =>
    caught('gives-up', nothing, '--events 20 --mix disk --connections 8 --weather fair --settle 0'),
  )

  it.skipIf(!hasFaketime()).concurrent('are caught when a wrong clock decides how long a lease holds', () =>
    caught(
      'unbounded',
      'connections not served at the end',
      '--events 6 --mix clock --connections 4 --weather fair --settle 8',
    ),
  )
})

it('a kill is counted in the phase of which its worker told last', () => {
  const told = (...points: readonly string[]): string => points.map((point) => `torture: at ${point}\n`).join('')
  expect(phaseOf('a warning\n')).toBe('before its first refresh')
  expect(phaseOf(told('before-intent-commit', 'after-send'))).toBe('while upstream works')
  expect(phaseOf(`${told('before-tokens-commit')}torture: reached before-tokens-commit\n`)).toBe('in the commit')
  expect(phaseOf(told('after-send', 'over'))).toBe('after a failure')
})
