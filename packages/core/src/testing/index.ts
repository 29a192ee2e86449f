export { type FakeClock, fakeClock, settle } from './clock.ts'
export { seededRandom } from './random.ts'
export { type MakeStore, storeContract, type StoreUnderTest, type TestFramework } from './store-contract.ts'
