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

test('waits as long as Genesys says', async () => {
  const { gp, sandbox, advance } = genesys
  sandbox.script([{ on: 'mint', do: { status: 503, headers: { 'retry-after': '20' } } }])
  const issuing = gp.guests.issue({ scopes: ['webmessaging:guest:send'] })
  await advance(20_000)
  expect((await issuing).generation).toBe(1)
})

test('says that a guest has ended, whose person must start again', async () => {
  const { gp, sandbox, advance } = genesys
  const person = { api: 'engagements', email: 'ann@example.test', consent: true, channelId: 'web-chat' } as const
  const { guestId } = await gp.guests.issue(person)
  sandbox.endGuest(guestId)
  await advance(3_600_000)
  await expect(gp.guests.token(guestId)).rejects.toMatchObject({ code: 'needs_reauth' })
})
