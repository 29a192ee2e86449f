import { guestpassForTests } from 'guestpass/testing'
import { expect, it, onTestFinished } from 'vitest'

const scopes = ['webmessaging:guest:send']

it('lets no request time out while a day passes in 300 steps, with its workers running', async () => {
  const { gp, sandbox, advance, close } = await guestpassForTests()
  onTestFinished(close)
  const { guestId } = await gp.guests.issue({ duration: 3600, scopes })
  const failures: unknown[] = []
  gp.on('refreshFailed', (record) => void failures.push(record))
  gp.start()
  for (let step = 1; step <= 300; step += 1) {
    await advance(300_000)
    if (step % 13 === 0) await gp.guests.token(guestId)
  }
  expect(failures).toEqual([])
  expect(sandbox.journal().filter(({ status }) => !status || status >= 400)).toEqual([])
  expect((await gp.guests.show(guestId)).generation).toBeGreaterThan(24)
  expect((await gp.health()).workers.filter(({ lastError }) => lastError)).toEqual([])
})

it('lets workers renew within one long move', async () => {
  const { gp, sandbox, advance, close } = await guestpassForTests()
  onTestFinished(close)
  const { guestId } = await gp.guests.issue({ duration: 3600, scopes })
  gp.start()
  await advance(6 * 3_600_000)
  expect((await gp.guests.show(guestId)).generation).toBeGreaterThan(5)
  expect(sandbox.journal().filter(({ operation }) => operation === 'mint')).toHaveLength(1)
})

it('repeats a refused request within its time limit', async () => {
  const { gp, sandbox, advance, close } = await guestpassForTests()
  onTestFinished(close)
  sandbox.script([{ on: 'mint', do: { status: 503, headers: { 'retry-after': '20' } } }])
  const issued = gp.guests.issue({ scopes })
  await advance(600_000)
  expect((await issued).generation).toBe(1)
})
