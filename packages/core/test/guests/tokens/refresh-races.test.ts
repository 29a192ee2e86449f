import { describe, expect, it } from 'vitest'
import type { Event } from '../../../src/domain/events/event.ts'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import type { Store } from '../../../src/ports/store.ts'
import { settle } from '../../../src/testing/index.ts'
import { dropped } from '../../world/scripted-answers.ts'
import { expectOneEffect, ID, issued, request } from '../../world/refresh-world.ts'
import { gated } from '../../world/refreshing-upstream.ts'
import { outcome, refusal } from '../../world/world.ts'

/** A refresh whose answer has not come yet. */
async function underway() {
  const here = await issued()
  const gate = gated()
  here.upstream.meets(gate.answer)
  const asked = outcome(here.guests.refresh(ID))
  await settle()
  expect(here.upstream.refreshes).toHaveLength(1)
  return { ...here, asked, release: gate.release }
}

describe('while a refresh is under way', () => {
  it('a revocation wins: the late answer neither revives the guest nor is returned', async () => {
    const { guests, asked, release, row, recorded } = await underway()
    await guests.revoke(ID)
    release()
    expect(await asked).toBe('guest_revoked')
    const stored = await row()
    expect(stored).toMatchObject({ status: 'revoked', generation: 2 })
    expect([stored?.tokens, stored?.intent]).toEqual([undefined, undefined])
    expect(await outcome(guests.token(ID))).toBe('guest_revoked')
    expect((await recorded()).at(-1)).toBe('TOKEN_REVOKED')
  })

  it('a revocation wins when the refresh fails afterwards', async () => {
    const here = await issued()
    const { guests, upstream, row } = here
    let fail = (): void => {}
    const failing = new Promise<void>((resolve) => (fail = resolve))
    upstream.meets(async (work, asked, signal) => {
      await failing
      return dropped('after')(work, asked, signal)
    })
    const asked = outcome(guests.refresh(ID))
    await settle()
    await guests.revoke(ID)
    fail()
    expect(['guest_revoked', 'upstream_unavailable']).toContain(await asked)
    expect(await row()).toMatchObject({ status: 'revoked' })
    expect((await row())?.backOff).toBeUndefined()
    expect(await outcome(guests.token(ID))).toBe('guest_revoked')
  })

  it('an issued token wins: the late answer is dropped, and both callers get the newer one', async () => {
    const { guests, asked, release, row } = await underway()
    const minted = await guests.issue({ ...request, duration: 'standard' })
    expect(minted.generation).toBe(2)
    release()
    expect(await asked).toBe(minted.token.reveal())
    const stored = await row()
    expect(stored).toMatchObject({ generation: 2, request: { durationSeconds: 7_200 } })
    expect(stored?.intent).toBeUndefined()
    expect(await outcome(guests.token(ID))).toBe(minted.token.reveal())
  })

  it('an issued token that comes after the refresh is the next generation', async () => {
    const { guests, asked, release, upstream, row } = await underway()
    const minting = guests.issue(request)
    release()
    const refreshed = await asked
    const minted = await minting
    expect((await row())?.tokens?.access.reveal()).toBe(minted.generation > 2 ? minted.token.reveal() : refreshed)
    expect(upstream.effects(ID)).toBe(1)
  })

  it('callers get the token that is still valid', async () => {
    const { guests, asked, release, first, clock } = await underway()
    await clock.advance(SECOND)
    expect(await outcome(guests.token(ID))).toBe(first)
    release()
    expect(await asked).not.toBe(first)
  })

  it('a refresh of another process waits, and gets the same token', async () => {
    const here = await underway()
    const other = await here.process()
    const second = outcome(other.guests.refresh(ID))
    await here.clock.advance(3 * SECOND)
    expect(here.upstream.refreshes).toHaveLength(1)
    here.release()
    await here.clock.advance(SECOND)
    expect(await second).toBe(await here.asked)
    expectOneEffect(here.upstream, 1)
  })
})

/** What ends the refresh of a guest whose end is not known, the reason of its event, and the event that follows. */
const ends = [
  ['a revocation', 'revoked', 'TOKEN_REVOKED', ({ guests }) => guests.revoke(ID)],
  ['an erasure', 'erased', 'GUEST_ERASED', ({ guests }) => guests.erase(ID)],
  ['an issued token', 'superseded', 'TOKEN_GENERATED_SUCCESS', ({ guests }) => guests.issue(request)],
  [
    'a token from outside',
    'superseded',
    'TOKEN_ADOPTED',
    async ({ process, upstream }) => (await process()).guests.refresh(ID, { token: upstream.mint(ID) }),
  ],
] satisfies readonly (readonly [string, string, Event['type'], (here: Issued) => Promise<unknown>])[]
type Issued = Pick<Awaited<ReturnType<typeof issued>>, 'events' | 'guests' | 'process' | 'upstream'>

/** The event before that of a type. */
const before = (events: readonly Event[], type: Event['type']): Event | undefined =>
  events[events.findLastIndex((one) => one.type === type) - 1]

/** Waits until an event of a type is recorded after the start of a refresh. */
async function untilEnded({ events }: Pick<Issued, 'events'>, type: Event['type']): Promise<void> {
  for (;;) {
    const types = (await events()).map((one) => one.type)
    const start = types.indexOf('REFRESH_INITIATED')
    if (start >= 0 && types.lastIndexOf(type) > start) return
    await settle()
  }
}

describe.each(ends)('%s that ends a refresh', (_, reason, type, end) => {
  it('records that its end is not known, with its Idempotency-Key, while it is under way', async () => {
    const here = await underway()
    const ended = end(here)
    await untilEnded(here, type)
    here.release()
    await here.clock.advance(MINUTE)
    await Promise.all([ended, here.asked])
    const error = { code: 'in_doubt', reason }
    const idempotencyKey = here.upstream.refreshes[0]?.key
    expect(before(await here.events(), type)).toMatchObject({ type: 'REFRESH_FAILED', error, idempotencyKey })
  })

  it('records it after its answer was lost', async () => {
    const here = await issued()
    here.upstream.meets(dropped('after'))
    await refusal(here.guests.refresh(ID))
    await here.clock.advance(MINUTE)
    await end(here)
    const error = { code: 'in_doubt', reason }
    expect(before(await here.events(), type)).toMatchObject({ type: 'REFRESH_FAILED', error, latencyMs: MINUTE })
  })

  it('records it if it began after the guest was read', async () => {
    const here = await issued()
    const gate = gated()
    here.upstream.meets(gate.answer)
    let isBegun = false
    const store: Store = {
      ...here.store,
      async commit(change) {
        if (!isBegun && change.events?.some((one) => one.type === type)) {
          isBegun = true
          outcome(here.guests.refresh(ID)).catch(() => {})
          await settle()
        }
        return here.store.commit(change)
      },
    }
    const process: typeof here.process = (options) => here.process(options, { store, http: here.upstream.http })
    const ended = end({ ...here, process, guests: (await process()).guests })
    await untilEnded(here, type)
    gate.release()
    await here.clock.advance(MINUTE)
    await ended
    const all = await here.events()
    const started = all.filter((one) => one.type === 'REFRESH_INITIATED').map((one) => one.idempotencyKey)
    const results = all.filter((one) => /^REFRESH_(?:FAILED|COMPLETED)$/.test(one.type))
    expect([isBegun, results.map((one) => one.idempotencyKey)]).toEqual([true, started])
    expect(before(all, type)).toMatchObject({ type: 'REFRESH_FAILED', error: { reason } })
  })
})

describe('a change of a guest without an open refresh', () => {
  it('records none that has ended', async () => {
    const { guests, recorded } = await issued()
    await guests.refresh(ID)
    await guests.issue(request)
    await guests.revoke(ID)
    expect(await recorded()).not.toContain('REFRESH_FAILED')
  })
})

describe('after a refresh in doubt', () => {
  it('an issued token ends the doubt: the next refresh has its own key', async () => {
    const { guests, upstream, clock } = await issued()
    upstream.meets(dropped('after'))
    await refusal(guests.refresh(ID))
    await guests.issue(request)
    await clock.advance(MINUTE)
    expect((await guests.refresh(ID)).generation).toBe(3)
    expect(new Set(upstream.refreshes.map(({ key }) => key)).size).toBe(2)
  })

  it('a revoked guest is not refreshed', async () => {
    const { guests, upstream, clock, row } = await issued()
    upstream.meets(dropped('after'))
    await refusal(guests.refresh(ID))
    await guests.revoke(ID)
    expect((await row())?.intent).toBeUndefined()
    await clock.advance(HOUR)
    expect(await outcome(guests.refresh(ID))).toBe('guest_revoked')
    expect(upstream.refreshes).toHaveLength(1)
  })
})
