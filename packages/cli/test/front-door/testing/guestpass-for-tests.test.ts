import type { Sandbox } from '@guestpass/sandbox'
import { guestpassForTests, type GuestpassForTestsOptions } from 'guestpass/testing'
import { expect, it, onTestFinished } from 'vitest'

const scopes = ['webmessaging:guest:send']

/** The answered requests of these operations, as `mint 200`. */
const answersOf = (sandbox: Sandbox, ...operations: string[]): string[] =>
  sandbox
    .journal()
    .filter(({ operation = '' }) => operations.includes(operation))
    .map(({ operation, status }) => `${operation} ${status}`)

async function opened(options?: GuestpassForTestsOptions) {
  const both = await guestpassForTests(options)
  onTestFinished(both.close)
  return both
}

it('moves the clock of library and sandbox in one call', async () => {
  const { gp, sandbox, advance } = await opened()
  const { guestId, expiresAt } = await gp.guests.issue({ duration: 3600, scopes })
  const first = await gp.guests.token(guestId)
  await advance(3_600_000 - 10_000)
  const next = await gp.guests.token(guestId)
  expect([first.generation, next.generation]).toEqual([1, 2])
  expect(next.expiresAt - expiresAt).toBeGreaterThan(3_500_000)
  expect((await gp.verify(next.token.reveal())).valid).toBe(true)
  expect(await gp.verify(first.token.reveal())).toMatchObject({ valid: true })
  await advance(60_000)
  expect(await gp.verify(first.token.reveal())).toEqual({ valid: false, reason: 'expired' })
  // The access token had ended too, for both.
  expect(answersOf(sandbox, 'token', 'mint', 'refresh')).toEqual(['token 200', 'mint 200', 'token 200', 'refresh 200'])
})

it('ends waits that are over, as for Retry-After', async () => {
  const { gp, sandbox, advance } = await opened()
  await gp.guests.issue({ scopes })
  sandbox.script([{ on: 'mint', do: { status: 429, headers: { 'retry-after': '3000' } } }])
  const waiting = gp.guests.issue({ scopes }, { patienceMs: 7_200_000 })
  await expect.poll(() => answersOf(sandbox, 'mint')).toEqual(['mint 200', 'mint 429'])
  await expect
    .poll(async () => {
      await advance(3_600_000)
      return answersOf(sandbox, 'mint')
    })
    .toEqual(['mint 200', 'mint 429', 'mint 200'])
  expect((await waiting).generation).toBe(1)
})

it('runs background workers on the same clock', async () => {
  const { gp, advance } = await opened()
  const { guestId } = await gp.guests.issue({ duration: 3600, scopes })
  const renewed = new Promise<unknown>((resolve) => gp.on('refreshCompleted', resolve))
  gp.start()
  await expect.poll(async () => (await gp.health()).workers.every(({ lastSuccess }) => lastSuccess)).toBe(true)
  await advance(3_500_000)
  expect(await renewed).toMatchObject({ generation: 2 })
  expect((await gp.guests.show(guestId)).generation).toBe(2)
})

it('reads nothing of the machine but what is given', async () => {
  const { gp, sandbox } = await opened({
    sandbox: { guests: [{ email: 'ann@example.com', channelId: 'web' }] },
    guestpass: { env: { GENESYS_DUPLICATES: 'reuse' } },
  })
  const request = { api: 'engagements', email: 'ann@example.com', consent: true, channelId: 'web' } as const
  await expect(gp.guests.issue(request)).rejects.toMatchObject({ code: 'session_exists' })
  expect(sandbox.journal().at(-1)).toMatchObject({ operation: 'create', status: 409 })
  expect((await gp.health()).store.place).toBe('memory')
})

it('closes both, once, and rejects wrong options with nothing left open', async () => {
  const { gp, sandbox, close } = await guestpassForTests()
  await Promise.all([close(), close()])
  await expect(gp.guests.list()).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect(fetch(sandbox.url)).rejects.toThrow()
  await expect(guestpassForTests({ guestpass: { rateLimit: 0 } })).rejects.toMatchObject({
    code: 'config_invalid',
  })
  const misspelt = { sandbx: {} } as GuestpassForTestsOptions
  await expect(guestpassForTests(misspelt)).rejects.toMatchObject({
    code: 'config_invalid',
    fields: [{ field: 'sandbx', remedy: 'Did you mean sandbox?' }],
  })
  await expect(guestpassForTests({ sandbox: { port: -1 } })).rejects.toMatchObject({
    code: 'config_invalid',
    fields: [{ field: 'sandbox.port' }],
  })
  const seeded = { sandbox: { seedd: 1 } } as GuestpassForTestsOptions
  await expect(guestpassForTests(seeded)).rejects.toMatchObject({
    message: 'Wrong options for guestpassForTests: sandbox.seedd is not an option. Did you mean seed?',
    fields: [{ field: 'sandbox.seedd', remedy: 'Did you mean seed?' }],
  })
})

it('refuses to advance by anything but milliseconds', async () => {
  const { advance } = await opened()
  for (const ms of [-1, Number.NaN, Infinity, '1' as unknown as number]) {
    await expect(advance(ms)).rejects.toMatchObject({ code: 'invalid_input' })
  }
})
