import { expect, describe, it } from 'vitest'
import { guestRecords } from '../../../src/guests/records/guest-records.ts'
import type { GuestCredential, GuestWithTokens } from '../../../src/domain/credential.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { HOUR, MINUTE } from '../../../src/domain/time.ts'
import { memoryStore } from '../../../src/stores/memory-store.ts'
import { fakeClock } from '../../../src/testing/clock.ts'
import { seededRandom } from '../../../src/testing/random.ts'

const HOME = 'default'

async function storedGuests(guests: readonly Partial<GuestCredential>[]) {
  const clock = fakeClock()
  const store = memoryStore({ clock })
  const writes = guests.map((guest, nth) => ({
    credential: {
      kind: 'guest',
      connection: HOME,
      id: `guest-${String(nth).padStart(3, '0')}`,
      api: 'guest-tokens',
      subject: `subject-${nth}`,
      generation: 1,
      status: 'active',
      createdAt: 0,
      ...guest,
    } satisfies GuestCredential,
    expect: { generation: 0 },
  }))
  await store.commit({ connection: HOME, writes })
  return { clock, records: guestRecords({ connection: HOME }, { store, random: seededRandom(1), clock }) }
}

const tokensFor = (ms: number): GuestWithTokens['tokens'] => {
  const now = fakeClock().wall()
  return {
    access: new Secret('test-secret-guest'),
    scopes: [],
    verified: true,
    sentAt: now,
    expiresAt: now + ms,
    renewAt: now + ms / 2,
  }
}

const ids = ({ guests }: { readonly guests: readonly { readonly guestId: string }[] }): readonly number[] =>
  guests.map(({ guestId }) => Number(guestId.slice(-3)))

describe('a list of guests', () => {
  it('gives those that match every filter, by the status that they have now', async () => {
    const channel = { request: { channelId: 'web-1' }, api: 'engagements' }
    const { clock, records } = await storedGuests([
      { tokens: tokensFor(HOUR) },
      { tokens: tokensFor(30 * MINUTE) },
      { tokens: tokensFor(HOUR), ...channel },
      { status: 'revoked', ...channel },
      {},
    ])
    expect(ids(await records.list())).toEqual([0, 1, 2, 3, 4])
    expect(ids(await records.list({ api: 'engagements' }))).toEqual([2, 3])
    expect(ids(await records.list({ channelId: 'web-1', status: 'active' }))).toEqual([2])
    expect(ids(await records.list({ expiresWithinMs: 45 * MINUTE }))).toEqual([1])
    await clock.advance(30 * MINUTE)
    expect(ids(await records.list({ status: 'expired' }))).toEqual([1])
    expect(ids(await records.list({ status: 'active' }))).toEqual([0, 2, 4])
    expect(ids(await records.list({ expiresWithinMs: 45 * MINUTE }))).toEqual([0, 2])
  })

  it('fills each page with those that match, and has a cursor only if more match', async () => {
    const { records } = await storedGuests(
      Array.from({ length: 250 }, (_, nth) => ({ api: nth % 100 === 49 ? 'engagements' : 'guest-tokens' })),
    )
    const first = await records.list({ api: 'engagements', limit: 2 })
    expect(ids(first)).toEqual([49, 149])
    const last = await records.list({ api: 'engagements', limit: 2, ...(first.next ? { after: first.next } : {}) })
    expect([ids(last), last.next]).toEqual([[249], undefined])
    expect((await records.list({ api: 'engagements', limit: 3 })).next).toBeUndefined()
  })

  it('refuses a page of no guests and of too many, with a filter and without', async () => {
    const { records } = await storedGuests([{}])
    for (const limit of [0, 1.5, Number.NaN, 1_001])
      for (const filter of [{}, { status: 'active' } as const])
        await expect(records.list({ limit, ...filter })).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('ends with the wait of its caller', async () => {
    const { records } = await storedGuests([{}])
    const stopped = records.list({ api: 'engagements' }, { signal: AbortSignal.abort() })
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('reads a bounded part of the guests for a filter that few match', async () => {
    const guests = Array.from({ length: 10_100 }, (_, nth) => ({
      id: `guest-${String(nth).padStart(6, '0')}`,
      ...(nth % 10_050 === 0 ? { status: 'revoked' as const } : {}),
    }))
    const { records } = await storedGuests(guests)
    const first = await records.list({ status: 'revoked' })
    expect([ids(first), first.next]).toEqual([[0], 'guest-009999'])
    expect(ids(await records.list({ status: 'revoked', after: first.next }))).toEqual([50])
  })
})
