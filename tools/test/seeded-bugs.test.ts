import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readFigures } from '../crash-tests/suite-run.ts'
import { programs, seededBugs } from '../seeded-bugs/bugs.ts'
import { judge, table } from '../seeded-bugs/outcome.ts'
import { pageOf } from './page.ts'

describe('the judge of seeded bugs', () => {
  const bug = { invariants: ['tokens lost', 'tokens doubled'] } as const
  const judged = (exit: number, output: string) => judge(bug, readFigures(exit, output))

  it('calls a bug caught if one of its invariants is above 0 and the suite failed', () => {
    expect(judged(1, 'tokens lost     0\ntokens doubled  2\n')).toEqual({
      status: 'caught',
      reason: 'tokens doubled: 2',
    })
  })

  it.each([
    ['a crash before the summary', 1, 'TypeError: undefined is not a function\n'],
    ['a summary that lacks an invariant', 1, 'tokens doubled  2\n'],
    ['a suite that failed for another reason', 1, 'tokens lost 0\ntokens doubled 0\nsomething else 4\n'],
    ['a suite that passed', 0, 'tokens lost 3\ntokens doubled 0\n'],
    ['a figure within another line', 1, 'no tokens lost 3\ntokens doubled 0\n'],
  ])('does not call it caught by %s', (_, exit, output) => {
    expect(judged(exit, output).status).toBe('not caught')
  })

  it('prints suite, bug, status, seconds and invariant of each', () => {
    const outcome = {
      suite: 'rotation',
      bug: 'copy',
      status: 'caught',
      reason: 'tokens lost: 1',
      seconds: 3.4,
    } as const
    expect(table([outcome]).map((line) => line.split(/ {2,}/))).toEqual([
      ['suite', 'bug', 'status', 'seconds', 'invariant'],
      ['rotation', 'copy', 'caught', '3', 'tokens lost: 1'],
    ])
  })
})

describe('the list of seeded bugs', () => {
  it('has a program for each suite, and each bug is on the page of the crash tests', () => {
    const page = pageOf('docs/crash-tests.md')
    for (const { suite, bug } of seededBugs) {
      expect(existsSync(join(import.meta.dirname, '..', programs[suite])), suite).toBe(true)
      expect(page).toMatch(new RegExp(`^\\| \`${suite}\` \\| \`${bug}\` \\|`, 'm'))
    }
  })

  it('has at least one bug for each suite', () => {
    expect(Object.keys(programs).filter((suite) => !seededBugs.some((one) => one.suite === suite))).toEqual([])
  })
})
