import { describe, expect, it } from 'vitest'
import { HOUR } from '../../src/domain/time.ts'
import { applicantWorld, ann, replace, reuse, verified } from '../world/applicant-world.ts'
import { ID, issued, refreshWorld } from '../world/refresh-world.ts'
import { refusal } from '../world/world.ts'

const shop = { owner: 'group:shop' }
const other = { owner: 'key:other' }
const SCOPES = ['webmessaging:guest:send'] as const

async function ownedGuest() {
  const here = refreshWorld()
  const { guests } = await here.process()
  const { token } = await guests.issue({ guestId: ID, scopes: SCOPES }, shop)
  return { ...here, guests, token: token.reveal() }
}

describe('a guest of an owner', () => {
  it('is not found by another owner, who changes nothing', async () => {
    const { guests, upstream, row, token, events } = await ownedGuest()
    const before = [await row(), (await events()).length, upstream.refreshes.length]
    const calls = [
      guests.show(ID, other),
      guests.token(ID, other),
      guests.refresh(ID, {}, other),
      guests.refresh(ID, { token }, other),
      guests.issue({ guestId: ID, scopes: SCOPES }, other),
      guests.revoke(ID, other),
      guests.erase(ID, other),
    ]
    for (const call of calls) expect((await refusal(call)).code).toBe('guest_unknown')
    expect([await row(), (await events()).length, upstream.refreshes.length]).toEqual(before)
    expect((await guests.list({}, other)).guests).toEqual([])
  })

  it('stays with its owner through a refresh, a new token and an erasure', async () => {
    const { guests, row } = await ownedGuest()
    await guests.refresh(ID, {}, shop)
    expect((await guests.issue({ guestId: ID, scopes: SCOPES })).generation).toBe(3)
    expect(await row()).toMatchObject({ owner: 'group:shop' })
    expect((await guests.list({}, shop)).guests).toMatchObject([{ guestId: ID, owner: 'group:shop' }])
    await guests.erase(ID, shop)
    expect((await refusal(guests.show(ID, other))).code).toBe('guest_unknown')
    expect((await guests.show(ID, shop)).status).toBe('erased')
  })

  it('is found by a caller without an owner', async () => {
    const { guests } = await ownedGuest()
    expect((await guests.show(ID)).owner).toBe('group:shop')
    expect((await guests.token(ID)).generation).toBe(1)
  })
})

it('a guest without an owner is found by every owner', async () => {
  const { guests } = await issued()
  expect((await guests.token(ID, shop)).generation).toBe(1)
  expect((await guests.refresh(ID, {}, other)).generation).toBe(2)
  expect((await guests.show(ID)).owner).toBeUndefined()
})

describe('the session of an address', () => {
  it('is neither reused nor replaced by another owner while it lives', async () => {
    const here = applicantWorld()
    const { guests } = await here.process()
    const first = await guests.issue(verified, shop)
    for (const request of [ann, reuse, replace])
      expect((await refusal(guests.issue(request, other))).code).toBe('session_exists')
    expect((await guests.issue(reuse, shop)).guestId).toBe(first.guestId)
    expect(here.upstream.asked.create).toHaveLength(1)
  })

  it('belongs to the owner who begins it again', async () => {
    const here = applicantWorld()
    const { guests } = await here.process()
    const { guestId } = await guests.issue(verified, shop)
    await guests.revoke(guestId, shop)
    await here.clock.advance(2 * HOUR)
    const next = await guests.issue(verified, other)
    expect((await guests.show(next.guestId, other)).owner).toBe('key:other')
  })
})
