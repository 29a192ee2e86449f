import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type GuestpassForTests, guestpassForTests } from 'guestpass/testing'

let genesys: GuestpassForTests
beforeEach(async () => {
  genesys = await guestpassForTests()
})
afterEach(() => genesys.close())

test('renews the token of a guest before it expires', async () => {
  const { gp, advance } = genesys
  const { guestId } = await gp.guests.issue({ duration: 3600, scopes: ['webmessaging:guest:send'] })
  await advance(3_590_000)
  assert.equal((await gp.guests.token(guestId)).generation, 2)
})
