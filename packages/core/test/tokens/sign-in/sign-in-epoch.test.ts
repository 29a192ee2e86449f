import { expect, it } from 'vitest'
import { memoryStore } from '../../../src/stores/memory-store.ts'
import { signInEpoch } from '../../../src/tokens/access/sign-in-epoch.ts'

it('the epoch of a sign-in is one for each store and connection', () => {
  const [store, other] = [memoryStore(), memoryStore()]
  signInEpoch(store, 'default').value += 1
  expect(
    [signInEpoch(store, 'default'), signInEpoch(store, 'acme'), signInEpoch(other, 'default')].map(
      ({ value }) => value,
    ),
  ).toEqual([1, 0, 0])
})
