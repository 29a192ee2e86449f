import { describe, expect, it } from 'vitest'
import type { Connection } from '../../src/connection/connection.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import { keeper, type KeeperOptions } from '../../src/guests/keeper.ts'
import { createMeters } from '../../src/report/meters.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { Store } from '../../src/ports/store.ts'
import type { WorkerObserver } from '../../src/ports/worker.ts'
import { settle } from '../../src/testing/index.ts'
import { recordingObserver } from '../world/recording-observer.ts'
import { dropped, instead, slow } from '../world/scripted-answers.ts'
import { expectOneEffect, ID, issued, type RefreshWorld, refreshWorld, request } from '../world/refresh-world.ts'
import { gated } from '../world/refreshing-upstream.ts'
import { outcome } from '../world/world.ts'

/** A moment after the token of an hour has become due: five minutes before its end. */
const DUE = 55 * MINUTE + SECOND

/** A keeper that runs until it is stopped, as a process of its own. */
async function keeping(
  here: RefreshWorld,
  {
    options = {},
    store = here.store,
    clock = here.clock,
    observer,
  }: {
    readonly options?: KeeperOptions
    readonly store?: Store
    readonly clock?: Clock
    readonly observer?: WorkerObserver
  } = {},
) {
  const connection: Connection = await here.process({}, { store, clock })
  const meter = createMeters()
  const parts = { connection: 'default', renew: connection.guests.keepRenewed, meter }
  const stop = new AbortController()
  const ended = keeper(parts, { store, clock }, { perMinute: 6_000, ...options }).run(stop.signal, observer)
  const all = { meter, guests: connection.guests, stop: () => stop.abort(), ended }
  return { ...all, finish: async () => (all.stop(), ended) }
}

const pass = ({ clock }: RefreshWorld, ms: number): Promise<void> => clock.advance(ms)

/** The same store, which is too busy for claims until it recovers. */
function busy(of: Store): { readonly store: Store; recover(): void } {
  let isBusy = true
  const claimDue: Store['claimDue'] = async (...ask) => {
    if (isBusy) throw new GuestpassError('store_busy', 'The store is busy.')
    return of.claimDue(...ask)
  }
  return { store: { ...of, claimDue }, recover: () => void (isBusy = false) }
}

describe('a keeper', () => {
  it('renews what is due before it lapses, with no caller at all', async () => {
    const here = await issued()
    const { upstream, finish, meter } = { ...here, ...(await keeping(here)) }
    for (let hour = 0; hour < 5; hour += 1) {
      await pass(here, HOUR)
      const { tokens } = (await here.row()) ?? {}
      expect(tokens?.expiresAt).toBeGreaterThan(here.clock.wall())
    }
    expect(upstream.effects(ID)).toBe(upstream.refreshes.length)
    expect(upstream.effects(ID)).toBeGreaterThanOrEqual(5)
    expect(upstream.mints()).toBe(1)
    expect(meter.counted('session_kept')).toBe(upstream.effects(ID))
    await finish()
  })

  it('renews at most 2 s late, and measures the lateness', async () => {
    const here = await issued()
    const { finish, meter } = await keeping(here)
    await pass(here, 4 * HOUR)
    const late = meter.timed('renewal_lateness')
    expect(late.count).toBeGreaterThan(0)
    expect(late.quantile(1)).toBeLessThanOrEqual(2 * SECOND)
    await finish()
  })

  it('measures the lateness of a session that was due before the keeper started', async () => {
    const here = await issued()
    await pass(here, 59 * MINUTE)
    const { finish, meter } = await keeping(here)
    await here.clock.advance(SECOND)
    expect(meter.timed('renewal_lateness').quantile(1)).toBeGreaterThanOrEqual(2 * MINUTE)
    await finish()
  })

  it('stops renewing a session that no caller asked for within keepForMs', async () => {
    const here = await issued()
    const { finish } = await keeping(here, { options: { keepForMs: 2 * HOUR } })
    await pass(here, 90 * MINUTE)
    await here.guests.token(ID)
    await pass(here, 12 * HOUR)
    expect((await here.row())?.tokens?.expiresAt).toBeLessThan(here.clock.wall())
    const kept = here.upstream.effects(ID)
    expect(kept).toBeGreaterThanOrEqual(3)
    expect(kept).toBeLessThanOrEqual(4)
    // The next call brings it back.
    const asked = here.guests.token(ID)
    await here.clock.advance(SECOND)
    expect((await asked).generation).toBe(kept + 2)
    await pass(here, HOUR)
    expect((await here.row())?.tokens?.expiresAt).toBeGreaterThan(here.clock.wall())
    await finish()
  })

  it('keeps a session for a day by default', async () => {
    const here = await issued()
    const { finish } = await keeping(here)
    await pass(here, DAY - HOUR)
    expect((await here.row())?.tokens?.expiresAt).toBeGreaterThan(here.clock.wall())
    await pass(here, 4 * HOUR)
    expect((await here.row())?.tokens?.expiresAt).toBeLessThan(here.clock.wall())
    await finish()
  })

  it('does not renew revoked guests', async () => {
    const here = await issued()
    const { finish } = await keeping(here)
    await here.guests.revoke(ID)
    await pass(here, 2 * HOUR)
    expect(here.upstream.refreshes).toHaveLength(0)
    await finish()
  })

  it('repeats a failed renewal under its Idempotency-Key, at the back-off time that all keepers share', async () => {
    const here = await issued()
    here.upstream.meets(instead(503, {}, { 'retry-after': '120' }))
    const all = [await keeping(here), await keeping(here)]
    await pass(here, DUE)
    expect(here.upstream.refreshes).toHaveLength(1)
    const [failed = 0] = here.upstream.refreshes.map(({ at }) => at)
    all.push(await keeping(here))
    await here.clock.advance(failed + 2 * MINUTE - SECOND - here.clock.wall())
    expect(here.upstream.refreshes).toHaveLength(1)
    await here.clock.advance(5 * SECOND)
    expectOneEffect(here.upstream, 2)
    expect((await here.row())?.generation).toBe(2)
    await Promise.all(all.map(({ finish }) => finish()))
  })

  it('repeats a renewal without stored back-off soon, under the same Idempotency-Key', async () => {
    const here = await issued()
    here.upstream.meets(async (work) => (work(), { status: 200, headers: {}, bytes: new Uint8Array() }))
    const { finish } = await keeping(here)
    await pass(here, HOUR - SECOND)
    expectOneEffect(here.upstream, 2)
    expect((await here.row())?.generation).toBe(2)
    await finish()
  })

  it('backs off from a refusing upstream, and renews once it accepts again', async () => {
    const here = await issued()
    here.upstream.meets(...Array.from({ length: 200 }, () => instead(403)))
    const { finish } = await keeping(here)
    await pass(here, HOUR - SECOND)
    expect(here.upstream.refreshes.length).toBeGreaterThan(3)
    expect(here.upstream.refreshes.length).toBeLessThan(12)
    expect(new Set(here.upstream.refreshes.map(({ key }) => key)).size).toBe(1)
    here.upstream.forgives()
    await pass(here, 70 * SECOND)
    expect((await here.row())?.generation).toBe(2)
    await finish()
  })

  it('ends when its signal aborts, after running renewals have finished', async () => {
    const here = await issued()
    const gate = gated()
    here.upstream.meets(gate.answer)
    const { stop, ended, meter } = await keeping(here)
    await pass(here, DUE)
    expect(here.upstream.refreshes).toHaveLength(1)
    let over = false
    void ended.then(() => (over = true))
    stop()
    await settle()
    expect(over).toBe(false)
    gate.release()
    await ended
    expect((await here.row())?.generation).toBe(2)
    expect(meter.counted('session_kept')).toBe(1)
    expect(here.clock.sleeping).toBe(0)
  })

  it('ends at once when no renewal runs, also when its signal aborted before it began', async () => {
    const here = refreshWorld()
    const { finish } = await keeping(here)
    await settle()
    await finish()
    const connection = await here.process()
    const parts = { connection: 'default', renew: connection.guests.keepRenewed, meter: createMeters() }
    await keeper(parts, here).run(AbortSignal.abort())
    expect(here.clock.sleeping).toBe(0)
  })

  it('counts a session once when its renewal outlasts the claim', async () => {
    const here = await issued()
    here.upstream.meets(slow(here.clock, 9 * SECOND))
    const { finish, meter } = await keeping(here)
    await pass(here, HOUR)
    expect([meter.counted('session_kept'), meter.timed('renewal_lateness').count]).toEqual([1, 1])
    expectOneEffect(here.upstream, 1)
    await finish()
  })

  it('continues after a store failure', async () => {
    const here = await issued()
    const { store, recover } = busy(here.store)
    const { finish } = await keeping(here, { store })
    await pass(here, 57 * MINUTE)
    recover()
    await here.clock.advance(3 * SECOND)
    expect((await here.row())?.generation).toBe(2)
    await finish()
  })

  it('reports failures of the store and of renewals, and success after they recover', async () => {
    const here = await issued()
    const observed = recordingObserver()
    const { store, recover } = busy(here.store)
    here.upstream.meets(instead(503, {}, { 'retry-after': '60' }))
    const { finish } = await keeping(here, { store, observer: observed.observer })
    await here.clock.advance(SECOND)
    expect(new Set(observed.calls)).toEqual(new Set(['store_busy']))
    recover()
    await here.clock.advance(3 * SECOND)
    expect(observed.last()).toBe('succeeded')
    await pass(here, DUE)
    expect(observed.last()).toBe('upstream_unavailable')
    // Nothing is tried meanwhile: that is no success.
    await here.clock.advance(30 * SECOND)
    expect(observed.last()).toBe('upstream_unavailable')
    await here.clock.advance(MINUTE)
    expect([observed.last(), (await here.row())?.generation]).toEqual(['succeeded', 2])
    await finish()
  })

  it('claims at most what the upstream takes in a few seconds, and renews all', async () => {
    const here = refreshWorld()
    const { guests } = await here.process()
    for (let nth = 0; nth < 60; nth += 1) await guests.issue({ scopes: request.scopes })
    const sizes: number[] = []
    const store: Store = {
      ...here.store,
      async claimDue(connection, ask) {
        const answer = await here.store.claimDue(connection, ask)
        sizes.push(answer.claimed.length)
        return answer
      },
    }
    await pass(here, 58 * MINUTE)
    const { finish } = await keeping(here, { store, options: { perMinute: 120 } })
    await pass(here, MINUTE)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10)
    expect(here.upstream.refreshes).toHaveLength(60)
    expect(new Set(here.upstream.refreshes.map(({ id }) => id)).size).toBe(60)
    await finish()
  })
})

describe('keepers that share a store', () => {
  it('renew many due sessions with one request each', async () => {
    const here = refreshWorld()
    const { guests } = await here.process()
    const ids: string[] = []
    for (let nth = 0; nth < 200; nth += 1) ids.push((await guests.issue({ scopes: request.scopes })).guestId)
    here.upstream.meets(...ids.map(() => slow(here.clock, SECOND)))
    const all = await Promise.all(Array.from({ length: 4 }, () => keeping(here, { options: { perMinute: 1_500 } })))
    await pass(here, HOUR)
    expect(here.upstream.refreshes).toHaveLength(200)
    expect(ids.map((id) => here.upstream.effects(id))).toEqual(ids.map(() => 1))
    expect(here.upstream.mints()).toBe(200)
    const kept = all.map(({ meter }) => meter.counted('session_kept'))
    expect(kept.reduce((sum, one) => sum + one, 0)).toBe(200)
    expect(kept.filter((one) => one > 0).length).toBeGreaterThan(1)
    await Promise.all(all.map(({ finish }) => finish()))
  })

  it('renew the claims of a keeper that died, under the same Idempotency-Key', async () => {
    const here = await issued()
    here.upstream.meets(dropped('after'))
    let dead = false
    const dying: Clock = {
      ...here.clock,
      sleep: (ms, signal) => (dead ? new Promise<void>(() => {}) : here.clock.sleep(ms, signal)),
    }
    // It dies at the moment at which its request has taken effect: nothing of it is ever written again.
    const store: Store = {
      ...here.store,
      commit: async (change) => (dead ? new Promise<never>(() => {}) : here.store.commit(change)),
      release: async (...args) => (dead ? new Promise<never>(() => {}) : here.store.release(...args)),
      claimDue: async (...args) => (dead ? new Promise<never>(() => {}) : here.store.claimDue(...args)),
      async lease(...args) {
        const answer = await here.store.lease(...args)
        if (dead) return new Promise<never>(() => {})
        return answer
      },
    }
    await keeping(here, { store, clock: dying })
    await pass(here, 55 * MINUTE)
    for (let second = 0; second < 150 && here.upstream.refreshes.length === 0; second += 1) {
      await here.clock.advance(SECOND)
      dead = here.upstream.refreshes.length > 0
    }
    dead = true
    expect(here.upstream.effects(ID)).toBe(1)
    const { finish } = await keeping(here)
    await pass(here, 2 * MINUTE)
    expectOneEffect(here.upstream, 2)
    expect((await here.row())?.generation).toBe(2)
    await finish()
  })

  it('renew once when one keeper is paused beyond its lease', async () => {
    const here = await issued()
    const gate = gated()
    here.upstream.meets(gate.answer)
    let still = false
    let goOn = (): void => {}
    const awake = new Promise<void>((resolve) => (goOn = resolve))
    const halting: Clock = {
      ...here.clock,
      sleep: async (ms, signal) => {
        await here.clock.sleep(ms, signal)
        if (still) await awake
      },
    }
    const halted = await keeping(here, { clock: halting })
    await pass(here, DUE)
    expect(here.upstream.refreshes).toHaveLength(1)
    still = true
    const other = await keeping(here)
    await pass(here, 2 * MINUTE)
    expect((await here.row())?.generation).toBe(2)
    const token = (await here.row())?.tokens?.access.reveal() ?? ''
    still = false
    goOn()
    gate.release()
    await here.clock.advance(SECOND)
    expect((await here.row())?.generation).toBe(2)
    expect(await outcome(here.guests.token(ID))).toBe(token)
    expectOneEffect(here.upstream, 2)
    await Promise.all([halted.finish(), other.finish()])
  })
})
