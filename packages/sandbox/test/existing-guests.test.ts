import { expect, it } from 'vitest'
import { sandbox as start, type SandboxOptions } from '../src/index.ts'
import { createGuest, EXTERNAL_USERS, userToken } from './guest-client.ts'
import { GUEST, post, refresh, START, startSandbox } from './genesys-client.ts'

const CHANNEL = 'web-chat'
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString()

it('has the guests of the options from the start, with their sessions', async () => {
  const sandbox = await startSandbox({
    autoConsent: true,
    guests: [
      { guestId: 'ann', email: 'Ann@example.com', channelId: CHANNEL, name: 'Ann', attributes: { tier: 'gold' } },
      { api: 'external-users', email: 'bob@example.com' },
      { api: 'guest-tokens', guestId: GUEST },
    ],
  })
  expect(sandbox.guests()).toEqual([
    { api: 'guest-tokens', guestId: GUEST, expiresAt: at(3600), live: true },
    {
      api: 'engagements',
      guestId: 'ann',
      email: 'Ann@example.com',
      channelId: CHANNEL,
      expiresAt: at(3600),
      live: true,
    },
    {
      api: 'external-users',
      guestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email: 'bob@example.com',
      expiresAt: at(3600),
      live: true,
    },
  ])
  expect((await createGuest(sandbox, { email: 'ann@example.com', channelId: CHANNEL })).status).toBe(409)
  const bob = { name: 'Bob', email: 'bob@example.com' }
  expect((await post(sandbox, EXTERNAL_USERS, bob, { token: await userToken(sandbox) })).status).toBe(409)
  expect((await refresh(sandbox, '6f9619ff-8b86-4d11-b42d-00c04fc964f0')).status).toBe(200)
  sandbox.endGuest('ann')
  expect(sandbox.guests().map(({ live }) => live)).toEqual([true, false, true])
  expect((await createGuest(sandbox, { email: 'ann@example.com', channelId: CHANNEL })).status).toBe(201)
})

it.each([
  [[{ email: 'ann' }], /guests\.0\.email: an address/],
  [[{ api: 'guest-tokens', guestId: 'ann' }], /guests\.0\.guestId: a UUID/],
  [[{ api: 'guest-tokens', email: 'ann@example.com' }], /guests\.0: .*email/],
  [[{ email: 'ann@example.com' }, { email: 'ANN@example.com' }], /guests: two guests have the same id, or the same/],
])('refuses the option guests %j', async (guests, message) => {
  await expect(start({ guests } as SandboxOptions)).rejects.toThrow(message)
})
