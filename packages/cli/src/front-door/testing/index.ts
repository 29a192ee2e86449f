export { type GuestpassForTests, guestpassForTests, type GuestpassForTestsOptions } from './guestpass-for-tests.ts'
