import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import type { Store } from '../../../src/ports/store.ts'
import { settle } from '../../../src/testing/index.ts'
import { jwt, strangerKey } from '../../world/fake-upstream.ts'
import { dropped } from '../../world/scripted-answers.ts'
import { ID, issued, request, refreshWorld, typesOf } from '../../world/refresh-world.ts'
import { gated } from '../../world/refreshing-upstream.ts'
import { outcome, advanceUntil, refusal } from '../../world/world.ts'

const OTHER = '7d0f7f7e-3d6c-4a55-9a7e-0c5a3f1a2b10'

/** A process with an empty store, and a token of a guest from outside. */
async function outside(more: Record<string, unknown> = {}) {
  const here = refreshWorld()
  const { guests } = await here.process()
  return { ...here, guests, token: here.upstream.mint(ID, more) }
}

describe('a token from outside', () => {
  it('is imported and refreshed for an unknown guest', async () => {
    const { guests, token, upstream, row, events, clock } = await outside()
    await clock.advance(10 * MINUTE)
    const next = await guests.refresh(ID, { token })
    expect(next).toMatchObject({ guestId: ID, generation: 2, verified: true, expiresAt: clock.wall() + HOUR })
    expect(next.token.reveal()).not.toBe(token)
    expect([upstream.refreshes.length, upstream.effects(ID), upstream.mints()]).toEqual([1, 1, 0])
    expect(typesOf(await events())).toEqual(['TOKEN_ADOPTED', 'REFRESH_INITIATED', 'REFRESH_COMPLETED'])
    expect((await row())?.request).toEqual({ scopes: request.scopes })
    expect((await guests.show(ID)).scopes).toEqual(request.scopes)
  })

  it('is the next generation if it is newer than the stored one, and is refreshed', async () => {
    const { guests, upstream, clock, row } = await issued()
    await clock.advance(MINUTE)
    const newer = upstream.mint(ID)
    upstream.meets(dropped('before'))
    expect((await refusal(guests.refresh(ID, { token: newer }))).code).toBe('upstream_unavailable')
    expect(await row()).toMatchObject({ generation: 2 })
    expect((await row())?.tokens?.access.reveal()).toBe(newer)
    await clock.advance(MINUTE)
    expect((await guests.refresh(ID)).generation).toBe(3)
  })

  it('is the next generation if it was issued elsewhere in the same second as the stored one', async () => {
    const { guests, upstream } = await issued()
    expect((await guests.refresh(ID, { token: upstream.mint(ID) })).generation).toBe(3)
  })

  it('changes nothing but its refresh if it is the stored one', async () => {
    const { guests, first, recorded } = await issued()
    expect((await guests.refresh(ID, { token: first })).generation).toBe(2)
    expect(await recorded()).not.toContain('TOKEN_ADOPTED')
  })

  it('replaces a refresh that is in doubt', async () => {
    const { guests, upstream, clock, row } = await issued()
    upstream.meets(dropped('after'))
    await refusal(guests.refresh(ID))
    await clock.advance(MINUTE)
    expect((await guests.refresh(ID, { token: upstream.mint(ID) })).generation).toBe(3)
    expect((await row())?.intent).toBeUndefined()
    expect(new Set(upstream.refreshes.map(({ key }) => key)).size).toBe(2)
  })

  it.each<[string, Record<string, unknown>]>([
    ['expired', { exp: Date.UTC(2025, 11, 31) / SECOND }],
    ['subject', { sub: OTHER }],
    ['not_yet_valid', { nbf: Date.UTC(2026, 0, 2) / SECOND }],
    ['missing_exp', { exp: undefined }],
    ['malformed', { exp: 'tomorrow' }],
  ])('is refused without a write or request, for the reason %s: %j', async (reason, more) => {
    const { guests, token, upstream, row, events } = await outside(more)
    const error = await refusal(guests.refresh(ID, { token }))
    expect(error).toMatchObject({ code: 'token_invalid', reason })
    expect(error.message).toContain(ID)
    expect(error.message).not.toContain(token)
    expect(await row()).toBeUndefined()
    expect(await events()).toMatchObject([
      { type: 'REFRESH_FAILED', outcome: 'failure', generation: 0, error: { code: 'token_invalid', reason } },
    ])
    expect(JSON.stringify(await events())).not.toContain(ID)
    expect([upstream.tokens(), upstream.refreshes.length, upstream.mints()]).toEqual([0, 0, 0])
  })

  it.each([
    ['signature', jwt({ sub: ID, scope: request.scopes, exp: 4_000_000_000 }, strangerKey)],
    ['malformed', ''],
    ['malformed', 'opaque'],
    ['oversized', `${'a'.repeat(16_384)}.b.c`],
  ])('is refused for the reason %s if it cannot be verified', async (reason, token) => {
    const { guests, row, first } = await issued()
    expect(await refusal(guests.refresh(ID, { token }))).toMatchObject({ code: 'token_invalid', reason })
    expect((await row())?.tokens?.access.reveal()).toBe(first)
  })

  it('is imported and refreshed if it expired at most 300 s ago, and refused if earlier', async () => {
    const { guests, upstream, token, clock } = await outside()
    await clock.advance(HOUR + 5 * MINUTE - SECOND)
    expect((await guests.refresh(ID, { token })).generation).toBe(2)
    expect([upstream.refreshes.length, upstream.mints()]).toEqual([1, 0])
    const other = upstream.mint(OTHER)
    await clock.advance(HOUR + 5 * MINUTE + SECOND)
    expect(await refusal(guests.refresh(OTHER, { token: other }))).toMatchObject({ reason: 'expired' })
  })

  it('is refused as superseded if it is older than the stored one', async () => {
    const { guests, upstream, clock, row } = await outside()
    const old = upstream.mint(ID)
    await clock.advance(MINUTE)
    await guests.issue(request)
    expect(await refusal(guests.refresh(ID, { token: old }))).toMatchObject({
      code: 'token_invalid',
      reason: 'superseded',
    })
    expect((await row())?.generation).toBe(1)
  })

  it('is refused as superseded if it was replaced here, also in the same second', async () => {
    const { guests, upstream, first, row } = await issued()
    await guests.refresh(ID)
    expect(await refusal(guests.refresh(ID, { token: first }))).toMatchObject({
      code: 'token_invalid',
      reason: 'superseded',
    })
    expect((await row())?.generation).toBe(2)
    expect(upstream.effects(ID)).toBe(1)
  })

  it('is refused for a revoked guest, whether it was issued here or not', async () => {
    const { guests, upstream, first, clock, row } = await issued()
    await clock.advance(MINUTE)
    const newer = upstream.mint(ID)
    await guests.revoke(ID)
    expect(await refusal(guests.refresh(ID, { token: first }))).toMatchObject({
      code: 'token_invalid',
      reason: 'revoked',
    })
    expect((await refusal(guests.refresh(ID, { token: newer }))).code).toBe('guest_revoked')
    expect(await row()).toMatchObject({ status: 'revoked', generation: 2 })
    expect((await row())?.tokens).toBeUndefined()
    expect(upstream.refreshes).toHaveLength(0)
  })

  it('is denied after the revocation of its guest until no clock accepts it', async () => {
    const { guests, connection, upstream, clock } = await issued()
    await clock.advance(10 * SECOND)
    const token = upstream.mint(ID)
    upstream.meets(dropped('before'))
    await refusal(guests.refresh(ID, { token }))
    await guests.revoke(ID)
    await clock.advance(HOUR + 3 * SECOND)
    expect(await connection.verifier.verify(token)).toEqual({ valid: false, reason: 'revoked' })
  })

  it('is not imported if its guest is revoked meanwhile', async () => {
    const here = await outside()
    const { guests, token, store, row } = here
    const blocked = gated()
    let asked = false
    const slow: Store = {
      ...store,
      async denied(...args: Parameters<Store['denied']>) {
        asked = true
        await blocked.answer(() => ({ status: 200, headers: {}, bytes: new Uint8Array() }), {} as never, {} as never)
        return store.denied(...args)
      },
    }
    await guests.refresh(ID, { token })
    const other = await here.process({}, { store: slow })
    const taking = refusal(other.guests.refresh(ID, { token: here.upstream.mint(ID) }))
    await settle()
    expect(asked).toBe(true)
    await guests.revoke(ID)
    blocked.release()
    expect((await taking).code).toBe('guest_revoked')
    expect(await row()).toMatchObject({ status: 'revoked' })
  })

  it('is imported by one of many concurrent calls, and refreshed once', async () => {
    const here = await outside()
    const other = await here.process()
    const { token, upstream, clock } = here
    // Both have an access token to ask with, so that none is done before the others have begun.
    for (const { guests } of [here, other])
      await guests.refresh((await guests.issue({ scopes: request.scopes })).guestId)
    const all = Array.from({ length: 20 }, (_, nth) =>
      outcome((nth % 2 === 0 ? here.guests : other.guests).refresh(ID, { token })),
    )
    const got = new Set(await advanceUntil(clock, Promise.all(all)))
    expect(got.size).toBe(1)
    expect([...got][0]).toMatch(/^ey/)
    expect(upstream.effects(ID)).toBe(1)
    expect((await here.recorded()).filter((type) => type === 'TOKEN_ADOPTED')).toHaveLength(1)
  })

  it('is minted anew for the longest duration if it lived longer', async () => {
    const { guests, token, upstream, clock } = await outside({ exp: Date.UTC(2026, 0, 3) / SECOND })
    upstream.meets(async () => ({ status: 404, headers: {}, bytes: new Uint8Array() }))
    expect((await guests.refresh(ID, { token })).expiresAt).toBe(clock.wall() + 24 * HOUR)
  })

  it('is minted anew for the lifetime of the last token', async () => {
    const { guests, token, upstream, clock, events } = await outside({
      exp: (Date.UTC(2026, 0, 1) + 11 * MINUTE) / SECOND,
    })
    expect((await guests.refresh(ID, { token })).expiresAt).toBe(clock.wall() + HOUR)
    const completed = (await events()).find(({ type }) => type === 'REFRESH_COMPLETED')
    const tokenExpiry = '2026-01-01T01:00:00.000Z'
    expect(completed?.data).toEqual({ api: 'guest-tokens', scopes: request.scopes, verified: true, tokenExpiry })
    upstream.meets(async () => ({ status: 404, headers: {}, bytes: new Uint8Array() }))
    await guests.refresh(ID)
    expect(upstream.mints()).toBe(1)
    expect((await events()).at(-1)).toMatchObject({ type: 'TOKEN_GENERATED_SUCCESS' })
    expect((await guests.show(ID)).expiresAt).toBe(clock.wall() + HOUR)
  })

  it('is verified before anything is sent, also if the API is not offered', async () => {
    const { guests, upstream } = await issued()
    await refusal(guests.refresh(OTHER, { token: upstream.mint(ID) }))
    expect((await refusal(guests.show(OTHER))).code).toBe('guest_unknown')
    expect(upstream.refreshes).toHaveLength(0)
  })
})

describe('a token from outside whose sub is not the guest id', () => {
  const SUB = 'guest-session-123'

  async function foreign(sub = SUB) {
    const here = await outside({ sub })
    here.upstream.says = { sub }
    return here
  }

  it('is refused without its subject, and imported and refreshed with it', async () => {
    const { guests, token, upstream } = await foreign()
    expect(await refusal(guests.refresh(ID, { token }))).toMatchObject({ code: 'token_invalid', reason: 'subject' })
    expect(await refusal(guests.refresh(ID, { token, subject: 'another' }))).toMatchObject({ reason: 'subject' })
    expect(await guests.refresh(ID, { token, subject: SUB })).toMatchObject({ guestId: ID, generation: 2 })
    expect(upstream.refreshes.map(({ id }) => id)).toEqual([ID])
    expect(await guests.show(ID)).toMatchObject({ guestId: ID, tokenSubject: SUB })
  })

  it('needs no index by address, because its profile has none', async () => {
    const { guests, token, store } = await foreign()
    await guests.refresh(ID, { token, subject: SUB })
    const unindexed = { kind: 'guest', unindexed: true, limit: 9 } as const
    expect((await store.list('default', unindexed)).credentials).toEqual([])
    await guests.erase(ID)
    expect((await store.list('default', unindexed)).credentials).toEqual([])
  })

  it('has its subject stored for the next refresh, renewal and import, also in another process', async () => {
    const here = await foreign()
    await here.guests.refresh(ID, { token: here.token, subject: SUB })
    const { guests } = await here.process()
    expect((await guests.refresh(ID)).generation).toBe(3)
    await here.clock.advance(59 * MINUTE + 30 * SECOND)
    expect((await guests.token(ID)).generation).toBe(4)
    const newer = here.upstream.mint(ID, { sub: SUB })
    expect((await guests.refresh(ID, { token: newer })).generation).toBe(6)
  })

  it('is not refused as invalid when the store fails', async () => {
    const here = await foreign()
    await here.guests.refresh(ID, { token: here.token, subject: SUB })
    let failures = 1
    const failing: Store = {
      ...here.store,
      async find(connection, id) {
        if (id === ID && (failures -= 1) >= 0) throw new GuestpassError('store_busy', 'The store is busy.')
        return here.store.find(connection, id)
      },
    }
    const { guests } = await here.process({}, { store: failing })
    const token = here.upstream.mint(ID, { sub: SUB })
    expect((await refusal(guests.refresh(ID, { token }))).code).toBe('store_busy')
    expect(typesOf(await here.events())).not.toContain('REFRESH_FAILED')
    expect((await guests.refresh(ID, { token })).guestId).toBe(ID)
  })

  it('makes a refreshed token of another subject invalid', async () => {
    const { guests, token, upstream } = await foreign()
    await guests.refresh(ID, { token, subject: SUB })
    upstream.says = { sub: ID }
    const error = await refusal(guests.refresh(ID))
    expect(error).toMatchObject({ code: 'token_refused', reason: 'subject' })
    expect(error.message).toContain(`for guest ${ID} that does not verify`)
  })

  it('has its subject in no event, and in clear text only in the answer', async () => {
    const { guests, token, upstream, events, row } = await foreign()
    await guests.refresh(ID, { token, subject: SUB })
    upstream.says = { sub: 'stranger' }
    await refusal(guests.refresh(ID))
    await refusal(guests.refresh(ID, { token: upstream.mint(ID, { sub: 'other' }) }))
    expect(JSON.stringify(await events())).not.toContain(SUB)
    expect(JSON.stringify(await row())).not.toContain(SUB)
  })

  it('may have a subject that is not well-formed', async () => {
    const sub = 'a\ud800'
    const { guests, token, upstream } = await foreign(sub)
    await guests.refresh(ID, { token, subject: sub })
    upstream.says = { sub: 'stranger' }
    expect(await refusal(guests.refresh(ID))).toMatchObject({ code: 'token_refused', reason: 'subject' })
  })

  it('has its subject dropped when a token is minted for the guest id', async () => {
    const { guests, token, upstream } = await foreign()
    await guests.refresh(ID, { token, subject: SUB })
    upstream.says = {}
    upstream.meets(async () => ({ status: 404, headers: {}, bytes: new Uint8Array() }))
    await guests.refresh(ID)
    expect(upstream.mints()).toBe(1)
    expect(await guests.show(ID)).not.toHaveProperty('tokenSubject')
    expect((await guests.refresh(ID)).generation).toBe(4)
  })

  it('has its subject erased with the guest', async () => {
    const { guests, token } = await foreign()
    await guests.refresh(ID, { token, subject: SUB })
    await guests.erase(ID)
    expect(await guests.show(ID)).not.toHaveProperty('tokenSubject')
  })

  it.each([[''], [7]])('rejects the subject %j', async (subject) => {
    const { guests, token } = await foreign()
    expect(await refusal(guests.refresh(ID, { token, subject: subject as string }))).toMatchObject({
      code: 'invalid_input',
      fields: [{ field: 'subject' }],
    })
    expect((await refusal(guests.refresh(ID, { subject: SUB }))).code).toBe('invalid_input')
  })
})
