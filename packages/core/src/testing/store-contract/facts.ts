import type { TestTools } from './suite.ts'
import { HOME } from './samples.ts'

export function factCases({ test, expect }: TestTools): void {
  test('returns the last JSON value to all handles', async ({ store, other }) => {
    const value = { keys: [{ kid: 'k1', n: 'ünï' }], offset: -1.5, none: null, yes: true }
    expect(await store.fact(HOME, 'keys')).toEqual(undefined)
    await store.setFact(HOME, 'keys', 'old')
    await other.setFact(HOME, 'keys', value)
    expect(await store.fact(HOME, 'keys')).toEqual(value)
    expect(await store.fact(HOME, 'other')).toEqual(undefined)
  })

  test('distinguishes null from absent, and removes a value that is set to undefined', async ({ store }) => {
    await store.setFact(HOME, 'keys', null)
    expect(await store.fact(HOME, 'keys')).toEqual(null)
    await store.setFact(HOME, 'keys', undefined)
    expect(await store.fact(HOME, 'keys')).toEqual(undefined)
  })
}
