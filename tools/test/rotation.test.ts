import { type ConnectionPorts, memoryStore } from '@guestpass/core'
import { HOUR } from '@guestpass/core/store-kit'
import { fakeClock } from '@guestpass/core/testing'
import { describe, expect, it } from 'vitest'
import { withBug } from '../crash-tests/events/bugs.ts'
import { diskFault } from '../crash-tests/events/small-disk.ts'
import { hasFaketime } from '../crash-tests/events/wrong-clock.ts'
import { phaseOf } from '../crash-tests/rotation/phases.ts'
import { type Measured, measured } from './measured.ts'

const rotated = (...args: readonly string[]) => measured('rotation/run.ts', '--seed', '11', ...args)

/** What must be 0 in every run. */
const wrong = ({ figure }: Measured): readonly number[] =>
  [
    'acknowledged tokens lost',
    'refresh tokens presented twice, undeclared',
    'refreshes lost silently',
    'generations given out twice',
    'doubts and ends without a cause',
    'connections not served at the end',
  ].map(figure)

describe('processes that share a sign-in or a guest', { timeout: 240_000 }, () => {
  it.concurrent.each([
    [
      'when they are killed and paused, the network fails, the disk is full and clocks are wrong, on a server that ends a sign-in at reuse',
      'strict',
      `--events 12 --mix kills,pauses,unsent,disk${hasFaketime() ? ',clock' : ''}`,
    ],
    ['when they are killed, on a server that answers alike for a while', 'grace', '--kills 8'],
  ])('present no refresh token twice undeclared, and lose none silently, %s', async (_, profile, events) => {
    const args = `--profile ${profile} ${events} --processes 4 --connections 8`
    const run = await rotated(...args.split(' '))
    expect(run.figure('events'), run.said).toBeGreaterThanOrEqual(Number(events.split(' ')[1]))
    expect(run.figure('kills'), run.said).toBeGreaterThan(1)
    expect(run.figure('refreshes that took effect upstream'), run.said).toBeGreaterThan(0)
    expect(wrong(run), run.said).toEqual([0, 0, 0, 0, 0, 0])
    expect(run.exit, run.said).toBe(0)
  })
})

describe('workers with a seeded bug', { timeout: 240_000 }, () => {
  const caught = async (bug: string, figure: string, args: string): Promise<void> => {
    const run = await rotated('--bug', bug, '--processes', '4', ...args.split(' '))
    expect(run.figure(figure), run.said).toBeGreaterThan(0)
    expect(run.exit).toBe(1)
  }
  const [twice, nothing] = ['refresh tokens presented twice, undeclared', 'doubts and ends without a cause']

  it.concurrent('are caught when they write no intent before they send', () =>
    caught('no-intent', 'refreshes lost silently', '--kills 300 --settle 0'))

  it.concurrent('are caught when they send after a pause without reading lease and row again', () =>
    caught(
      'no-recheck',
      twice,
      '--events 40 --mix pauses --pause-at before-send --connections 4 --faults off --settle 0',
    ))

  it.concurrent('are caught when a fault before the send counts as a lost answer', () =>
    caught('all-lost', nothing, '--events 40 --mix unsent --connections 8 --faults off --settle 0'))

  it.skipIf(diskFault() !== undefined).concurrent('are caught when they give up on a full disk', () =>
    caught('gives-up', nothing, '--events 20 --mix disk --connections 8 --faults off --settle 0'),
  )

  it('hold a lease for an hour when a wrong clock decides how long it holds; without the bug for its own time', async () => {
    const clock = fakeClock()
    const store = memoryStore({ clock })
    const ahead = { ...clock, wall: () => clock.wall() + HOUR }
    const asked = async (bug: string) => {
      const worker = (of: typeof clock) => withBug(bug, { store, clock: of } as unknown as ConnectionPorts).store
      await worker(ahead).lease('default', `renew:${bug}`, 'ahead', 5_000)
      await clock.advance(6_000)
      return (await worker(clock).lease('default', `renew:${bug}`, 'right', 5_000)).granted
    }
    expect([await asked('unbounded'), await asked('')]).toEqual([false, true])
  })
})

it('a kill is counted in the phase that its worker traced last', () => {
  const told = (...points: readonly string[]): string => points.map((point) => `fail point: at ${point}\n`).join('')
  expect(phaseOf('a warning\n')).toBe('before its first refresh')
  expect(phaseOf(told('before-intent-commit', 'after-send'))).toBe('while upstream works')
  expect(phaseOf(`${told('before-tokens-commit')}fail point: reached before-tokens-commit\n`)).toBe('in the commit')
  expect(phaseOf(told('after-send', 'over'))).toBe('after a failure')
})
