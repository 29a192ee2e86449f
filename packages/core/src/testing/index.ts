export { type FakeClock, fakeClock, settle } from './clock.ts'
export { seededRandom } from './random.ts'
