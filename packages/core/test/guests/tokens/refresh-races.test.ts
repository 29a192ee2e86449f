import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
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
