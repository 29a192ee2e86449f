import { type GuestpassForTests, guestpassForTests } from 'guestpass/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'

let genesys: GuestpassForTests
beforeEach(async () => {
  genesys = await guestpassForTests()
})
afterEach(() => genesys.close())

test('renews the token of a guest before it expires', async () => {
  const { gp, sandbox, advance } = genesys
  const { guestId } = await gp.guests.issue({ duration: 3600, scopes: ['webmessaging:guest:send'] })
  await advance(3_590_000)
  const { generation, token } = await gp.guests.token(guestId)
  expect(generation).toBe(2)
  expect(await gp.verify(token.reveal())).toMatchObject({ valid: true })
  expect(sandbox.journal().filter(({ operation }) => operation === 'refresh')).toHaveLength(1)
})

test('repeats a call that Genesys could not take', async () => {
  const { gp, sandbox } = genesys
  sandbox.script([{ on: 'mint', do: { status: 503 } }])
  expect((await gp.guests.issue({ scopes: ['webmessaging:guest:send'] })).generation).toBe(1)
})
