import { connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { fakeClock } from '@guestpass/core/testing'
import { retention, retentionCatchUp, systemRandom } from '@guestpass/core/runtime-kit'
import { sandbox } from '@guestpass/sandbox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { backlog, retention as retentionFinding, sizes } from '../../src/doctor/sizes.ts'

const MINUTE = 60_000

/** A store with a guest whose token of 10 minutes is renewed from minute 7 to 8 on. No process renews it. */
async function stored() {
  const clock = fakeClock()
  const upstream = await sandbox({ now: () => clock.wall() })
  const { close, ...network } = nodePorts()
  onTestFinished(async () => {
    await close()
    await upstream.close()
  })
  const { GENESYS_CLIENT_ID: id = '', GENESYS_CLIENT_SECRET: secret = '' } = upstream.env
  const store = memoryStore({ clock, route: () => ['elsewhere'] })
  const ports = { ...network, clock, store }
  const hosts = resolveHosts({ baseUrl: upstream.url })
  const { guests } = await connection({ hosts, client: { id, secret: new Secret(secret) } }, ports)
  await guests.issue({ api: 'guest-tokens', scopes: ['webmessaging:guest:send'], duration: 600 })
  return {
    clock,
    store,
    sizes: async () => sizes(await store.sizes('default')),
    backlog: async () => backlog({ store, connection: 'default' }, await store.sizes('default')),
  }
}

describe('the sizes of a store', () => {
  it('are counted by kind', async () => {
    const { sizes: found } = await stored()
    expect(await found()).toEqual({
      check: 'sizes',
      state: 'ok',
      message: expect.stringMatching(/^\d kinds of rows$/),
      details: expect.arrayContaining(['access tokens: 1', 'audit records: 3 since 2026-01-01', 'guests: 1']),
    })
  })
})

describe('the backlog', () => {
  it('is ok while no session is due for long, and does not keep a process from renewing it', async () => {
    const { clock, store, backlog: found } = await stored()
    expect(await found()).toMatchObject({
      state: 'ok',
      message: expect.stringMatching(/^0 sessions are due, 3 /),
    })
    await clock.advance(8.5 * MINUTE)
    await found()
    await clock.advance(1)
    const { claimed } = await store.claimDue('default', { max: 9, leaseMs: 5_000, keepForMs: 86_400_000 })
    expect(claimed).toHaveLength(1)
  })

  it('is a warning if a session is due for a minute, or events wait for a day', async () => {
    const { clock, backlog: found } = await stored()
    await clock.advance(9.5 * MINUTE)
    expect(await found()).toMatchObject({
      state: 'warning',
      message: expect.stringMatching(/^1 session is due, the first one since 2026-01-01T00:0[678]:/),
      remedy: expect.stringContaining('`guestpass keep`'),
    })
    const { clock: later, backlog: foundLater } = await stored()
    await later.advance(49 * 60 * MINUTE)
    expect(await foundLater()).toMatchObject({ state: 'warning', message: expect.stringContaining('3 events wait') })
  })
})

describe('the retention', () => {
  const DAY = 86_400_000
  const found = (retentionDays: number, age: number) => {
    const measured = { kinds: [{ kind: 'events', rows: 1, oldestAt: 0 }] } as const
    return retentionFinding({ retentionDays, endedGuestDays: 30 }, measured, { now: age * DAY, connection: 'emea' })
  }

  it('is a warning if records are more than two days older than they should be', () => {
    expect(found(400, 402)).toMatchObject({ state: 'ok', message: expect.stringContaining('kept 400 days') })
    expect(found(1, 0).message).toBe('audit records are kept 1 day, ended guests 30 days')
    expect(found(400, 402.1)).toMatchObject({
      state: 'warning',
      message: expect.stringMatching(/older audit records$/),
      remedy: expect.stringContaining('`guestpass keep --connection emea`'),
    })
  })

  it('is a warning where no process ever removed what is old enough', async () => {
    const { clock, store } = await stored()
    const looked = async () =>
      retentionFinding({ retentionDays: 400, endedGuestDays: 30 }, await store.sizes('default'), {
        now: clock.wall(),
        connection: 'default',
      })
    await clock.advance(31 * DAY)
    expect(await looked()).toMatchObject({ state: 'ok' })
    await clock.advance(2 * DAY)
    expect(await looked()).toMatchObject({
      state: 'warning',
      message: expect.stringMatching(/; there are older ended guests$/),
      remedy: expect.stringContaining('`guestpass keep`'),
    })
    await clock.advance(370 * DAY)
    expect(await looked()).toMatchObject({ message: expect.stringMatching(/older audit records and ended guests$/) })
  })

  it('is ok while a process catches up after a long stop, and a warning when it has ended', async () => {
    const { clock, store } = await stored()
    const settings = { retentionDays: 400, endedGuestDays: 30 }
    // Each pass is that of a new process, which knows the clock of the earlier one from the store alone.
    const pass = () =>
      retention('default', { store, clock, random: systemRandom() }, { endedGuestsMs: 30 * DAY }).pass()
    await pass()
    await clock.advance(60 * DAY)
    await pass()
    const looked = async () => {
      const now = clock.wall()
      const reached = await retentionCatchUp('default', store, now)
      return retentionFinding(settings, await store.sizes('default'), { now, connection: 'default', reached })
    }
    expect(await looked()).toMatchObject({
      state: 'ok',
      message: expect.stringMatching(
        /; older ended guests are being removed step by step: .* is 53 days behind .* has reached 2026-01-08T.* catches up by 2026-03-12$/,
      ),
    })
    await clock.advance(3 * 60 * MINUTE)
    expect(await looked()).toMatchObject({ state: 'warning' })
  })

  it('is never a warning for what is kept for ever', () => {
    expect(found(0, 9_999)).toMatchObject({ state: 'ok', message: expect.stringContaining('kept for ever') })
  })
})
