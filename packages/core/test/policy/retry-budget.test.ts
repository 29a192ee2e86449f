import { describe, expect, test } from 'vitest'
import { createRetryBudget } from '../../src/policy/retry-budget.ts'
import { fakeClock } from '../../src/testing/index.ts'

const spendAll = (account: ReturnType<typeof createRetryBudget>, connection = 'a'): number => {
  let spent = 0
  while (spent < 10_000 && account.withdraw(connection)) spent += 1
  return spent
}

describe('a retry budget', () => {
  test('begins with what can be saved up', () => {
    expect(spendAll(createRetryBudget({ most: 20 }, { clock: fakeClock() }))).toBe(20)
  })

  test('allows one repeat for every five requests', () => {
    const account = createRetryBudget({ perSecond: 0, most: 100 }, { clock: fakeClock() })
    spendAll(account)
    for (let request = 0; request < 51; request += 1) account.deposit('a')
    expect(spendAll(account)).toBe(10)
  })

  test('allows a little every second, however quiet it is', async () => {
    const clock = fakeClock()
    const account = createRetryBudget({ perSecond: 1, most: 100 }, { clock })
    spendAll(account)
    await clock.advance(7_000)
    expect(spendAll(account)).toBe(7)
  })

  test('saves up to its bound and no more', async () => {
    const clock = fakeClock()
    const account = createRetryBudget({ perSecond: 1, most: 5 }, { clock })
    for (let request = 0; request < 1_000; request += 1) account.deposit('a')
    await clock.advance(3_600_000)
    expect(spendAll(account)).toBe(5)
  })

  test('keeps connections apart', () => {
    const account = createRetryBudget({ most: 3 }, { clock: fakeClock() })
    spendAll(account, 'a')
    expect(spendAll(account, 'b')).toBe(3)
    expect(account.withdraw('a')).toBe(false)
  })

  test('is not filled by setting the wall clock', () => {
    const clock = fakeClock()
    const account = createRetryBudget({ most: 3 }, { clock })
    spendAll(account)
    clock.stepWall(86_400_000)
    expect(account.withdraw('a')).toBe(false)
  })

  test.each([{ perRequest: 2 }, { perSecond: -1 }, { most: 0 }, { most: Number.NaN }])('refuses %o', (options) => {
    expect(() => createRetryBudget(options, { clock: fakeClock() })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })
})
