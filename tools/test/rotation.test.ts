import { type ConnectionPorts, memoryStore } from '@guestpass/core'
import { HOUR } from '@guestpass/core/store-kit'
import { fakeClock } from '@guestpass/core/testing'
import { describe, expect, it } from 'vitest'
import { withBug } from '../crash-tests/events/bugs.ts'
import { hasFaketime } from '../crash-tests/events/wrong-clock.ts'
import { phaseOf } from '../crash-tests/phases.ts'
import { type SuiteRun, runSuite } from '../crash-tests/suite-run.ts'

const rotated = (...args: readonly string[]) => runSuite('crash-tests/rotation/run.ts', '--seed', '11', ...args)

/** The figures that must be 0 in every run. */
const violations = ({ figure }: SuiteRun): readonly number[] =>
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
      `--events 5 --mix kills,pauses,unsent,disk${hasFaketime() ? ',clock' : ''}`,
    ],
    ['when they are killed, on a server that repeats its answer for a while', 'grace', '--kills 3'],
  ])('present no refresh token twice undeclared and lose none silently %s', async (_, profile, events) => {
    const args = `--profile ${profile} ${events} --processes 4 --connections 8`
    const run = await rotated(...args.split(' '))
    expect(run.figure('events'), run.output).toBeGreaterThanOrEqual(Number(events.split(' ')[1]))
    expect(run.figure('kills'), run.output).toBeGreaterThan(0)
    expect(run.figure('refreshes that took effect upstream'), run.output).toBeGreaterThan(0)
    expect(violations(run), run.output).toEqual([0, 0, 0, 0, 0, 0])
    expect(run.exit, run.output).toBe(0)
  })
})

describe('a worker with the bug unbounded', () => {
  it('waits for the end of a lease by the clock that wrote it; without the bug for its length', async () => {
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

it('counts a kill in the phase that its worker traced last', () => {
  const traceOf = (...points: readonly string[]): string => points.map((point) => `fail point: at ${point}\n`).join('')
  expect(phaseOf('a warning\n')).toBe('before its first refresh')
  expect(phaseOf(traceOf('before-intent-commit', 'after-send'))).toBe('while upstream works')
  expect(phaseOf(`${traceOf('before-tokens-commit')}fail point: reached before-tokens-commit\n`)).toBe('in the commit')
  expect(phaseOf(traceOf('after-send', 'over'))).toBe('after a failure')
})
