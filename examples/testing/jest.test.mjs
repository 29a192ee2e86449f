import { guestpassForTests } from 'guestpass/testing'

let genesys
beforeEach(async () => {
  genesys = await guestpassForTests()
})
afterEach(() => genesys.close())

test('renews the token of a guest before it expires', async () => {
  const { gp, advance } = genesys
  const { guestId } = await gp.guests.issue({ duration: 3600, scopes: ['webmessaging:guest:send'] })
  await advance(3_590_000)
  expect((await gp.guests.token(guestId)).generation).toBe(2)
})
