import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import type { Store } from '../../../src/ports/store.ts'
import { settle } from '../../../src/testing/index.ts'
import { jwt, strangerKey } from '../../world/fake-upstream.ts'
import { keeper } from '../../../src/guests/keeper.ts'
import { gated } from '../../world/refreshing-upstream.ts'
import { dropped, instead, slow } from '../../world/scripted-answers.ts'
import { garbled } from '../../world/applicant-upstream.ts'
import { ann, EMAIL, applicantWorld, replace } from '../../world/applicant-world.ts'
import { outcome, advanceUntil, refusal } from '../../world/world.ts'

/** A time within the mandatory window of a token: callers wait for its renewal. */
const MANDATORY = HOUR - 30 * SECOND

/** A process with one issued guest, whose first token it gives. */
async function issued(options: Parameters<ReturnType<typeof applicantWorld>['process']>[0] = {}) {
  const here = applicantWorld()
  const connection = await here.process(options)
  const { guests } = connection
  const first = await guests.issue(ann)
  const id = first.guestId
  return {
    ...here,
    connection,
    guests,
    id,
    first: first.token.reveal(),
    refreshes: () => here.upstream.asked.refresh.length,
    status: async () => (await here.row(id))?.status,
  }
}

describe('a guest with a rotating refresh token', () => {
  it('is renewed by it, and stores the next one', async () => {
    const { guests, id, clock, row, upstream, connection, recorded } = await issued()
    await clock.advance(MANDATORY)
    const next = await guests.token(id)
    expect(next).toMatchObject({ generation: 2, verified: true })
    expect((await row(id))?.tokens?.refresh?.reveal()).toBe(`refresh-${id}-1`)
    expect((await row(id))?.intent).toBeUndefined()
    expect(JSON.parse(upstream.asked.refresh[0]?.body ?? '')).toEqual({ refreshToken: `refresh-${id}-0` })
    expect(await connection.verifier.verify(next.token.reveal(), { subject: id })).toMatchObject({ valid: true })
    expect((await recorded()).slice(-2)).toEqual(['REFRESH_INITIATED', 'REFRESH_COMPLETED'])
    expect((await guests.refresh(id)).generation).toBe(3)
  })

  it('keeps its refresh token if the answer has none', async () => {
    const { guests, id, row, upstream } = await issued()
    upstream.answers = { refreshToken: undefined }
    await guests.refresh(id)
    expect((await row(id))?.tokens?.refresh?.reveal()).toBe(`refresh-${id}-0`)
  })

  it('is renewed once for concurrent calls of all processes', async () => {
    const here = await issued()
    const other = await here.process()
    await here.clock.advance(MANDATORY)
    const asked = [here.guests, other.guests].flatMap((guests) =>
      Array.from({ length: 10 }, () => outcome(guests.token(here.id))),
    )
    expect(new Set(await advanceUntil(here.clock, Promise.all(asked))).size).toBe(1)
    expect(here.refreshes()).toBe(1)
  })

  it("is recorded without the upstream's id when its renewal fails, however the id is written", async () => {
    const here = applicantWorld()
    const { guests } = await here.process()
    here.upstream.answers = { guestId: 'guest.7', token: jwt({ sub: 'guest.7', exp: 1_900_000_000 }) }
    const { guestId } = await guests.issue(ann)
    here.upstream.meets('refresh', instead(400, { code: 'bad.request', message: 'no guest Guest.7, but guestx7' }))
    await refusal(guests.refresh(guestId))
    const failed = JSON.stringify(await here.last('REFRESH_FAILED'))
    expect([/guest\.7/i.test(failed), failed.includes('guestx7')]).toEqual([false, true])
  })

  /** Runs a keeper for this long, without any caller. */
  const runKeeper = async (here: Awaited<ReturnType<typeof issued>>, ms: number): Promise<void> => {
    const keeping = keeper(
      { connection: 'default', renew: here.guests.keepRenewed, meter: here.connection.meters },
      here,
    )
    const stop = new AbortController()
    const running = keeping.run(stop.signal)
    await here.clock.advance(ms)
    stop.abort()
    await here.clock.advance(SECOND)
    await running
  }

  it('is renewed by a keeper', async () => {
    const here = await issued()
    await runKeeper(here, HOUR)
    expect((await here.row(here.id))?.generation).toBe(2)
  })

  it('is renewed by a keeper while in doubt, which sends the last resort after its token expired', async () => {
    const here = await issued()
    here.upstream.meets('refresh', dropped('before'))
    await runKeeper(here, HOUR - 2 * SECOND)
    expect([await here.status(), here.refreshes()]).toEqual(['in_doubt', 1])
    await runKeeper(here, MINUTE)
    expect([await here.status(), here.refreshes()]).toEqual(['active', 2])
    expect((await here.row(here.id))?.generation).toBe(2)
  })

  it('is in doubt after a lost answer, and served until its token expires', async () => {
    const { guests, id, first, clock, upstream, refreshes, status, last } = await issued()
    await clock.advance(MANDATORY)
    upstream.meets('refresh', dropped('after'))
    expect(await outcome(guests.token(id))).toBe(first)
    expect(await status()).toBe('in_doubt')
    expect(await last('REFRESH_FAILED')).toMatchObject({ error: { code: 'in_doubt' } })
    expect(await outcome(guests.token(id))).toBe(first)
    expect((await refusal(guests.refresh(id))).code).toBe('in_doubt')
    expect(refreshes()).toBe(1)
    await clock.advance(MINUTE)
    expect((await refusal(guests.token(id))).code).toBe('needs_reauth')
    expect([refreshes(), await status()]).toEqual([2, 'needs_reauth'])
    expect((await refusal(guests.token(id))).code).toBe('needs_reauth')
    expect(refreshes()).toBe(2)
  })

  it.each([
    ['lost before it took effect', dropped('before')],
    ['a gateway error', instead(502, 'bad gateway')],
  ])('is renewed by the declared last resort when the answer was %s', async (_, answer) => {
    const { guests, id, clock, upstream, status, last } = await issued()
    await clock.advance(MANDATORY)
    upstream.meets('refresh', answer)
    await guests.token(id)
    await clock.advance(MINUTE)
    expect((await guests.token(id)).generation).toBe(2)
    expect(await status()).toBe('active')
    expect((await last('REFRESH_INITIATED'))?.data).toMatchObject({ lastResort: true })
  })

  it('keeps its last resort after transient errors', async () => {
    const { guests, id, clock, upstream, refreshes, recorded } = await issued()
    await clock.advance(MANDATORY)
    upstream.meets('refresh', dropped('before'), instead(503))
    await guests.token(id)
    await clock.advance(MINUTE)
    expect((await refusal(guests.token(id))).code).toBe('upstream_unavailable')
    await clock.advance(MINUTE)
    expect((await guests.token(id)).generation).toBe(2)
    expect(refreshes()).toBe(3)
    expect((await recorded()).filter((type) => type === 'REFRESH_INITIATED')).toHaveLength(3)
  })

  it('keeps its refresh token while last resorts are lost, and ends only after a definite answer', async () => {
    const { guests, id, clock, upstream, refreshes, status, recorded } = await issued()
    await clock.advance(MANDATORY)
    upstream.meets('refresh', dropped('before'), dropped('before'), garbled)
    await guests.token(id)
    await clock.advance(MINUTE)
    expect((await advanceUntil(clock, refusal(guests.token(id)))).code).toBe('needs_reauth')
    expect([refreshes(), await status()]).toEqual([4, 'needs_reauth'])
    expect((await recorded()).filter((type) => type === 'REFRESH_INITIATED')).toHaveLength(4)
  })

  it('is tried again after a refusal that used up nothing', async () => {
    const { guests, id, first, clock, upstream, row } = await issued()
    await clock.advance(MANDATORY - MINUTE)
    upstream.meets('refresh', instead(503))
    expect((await refusal(guests.refresh(id))).code).toBe('upstream_unavailable')
    expect((await row(id))?.intent).toBeUndefined()
    expect(await outcome(guests.token(id))).toBe(first)
    await clock.advance(30 * SECOND)
    expect((await guests.refresh(id)).generation).toBe(2)
  })

  it('ends when its token expires if the refresh token was used up elsewhere', async () => {
    const { guests, id, first, clock, upstream, status, recorded } = await issued()
    await clock.advance(MANDATORY)
    upstream.meets('refresh', instead(409, { code: 'token.consumed' }))
    expect(await outcome(guests.token(id))).toBe(first)
    expect(await status()).toBe('needs_reauth')
    expect((await recorded()).at(-1)).toBe('REFRESH_FAILED')
    await clock.advance(MINUTE)
    const error = await refusal(guests.token(id))
    expect(error.code).toBe('needs_reauth')
    expect(error.message).toContain('Authenticate the guest again')
    upstream.lapse()
    expect((await guests.issue(ann)).guestId).not.toBe(id)
  })

  it('continues with the newer generation if another process used up the refresh token', async () => {
    const here = await issued()
    const other = await here.process()
    await here.clock.advance(MANDATORY)
    // The other process gets its answer after its lease is over, as on a machine that was paused.
    here.upstream.meets('refresh', slow(here.clock, 8 * SECOND))
    const late = outcome(other.guests.token(here.id))
    await settle()
    await here.store.release('default', `renew:${here.id}`, '')
    expect((await here.row(here.id))?.intent?.action).toBe('refresh')
    await here.clock.advance(9 * SECOND)
    expect(await outcome(here.guests.token(here.id))).toBe(await late)
    expect(here.refreshes()).toBe(1)
  })

  it('is in doubt for the next process after its process died', async () => {
    const { guests, id, first, clock, store, row, refreshes, status } = await issued()
    const credential = await row(id)
    if (!credential) throw new Error('gone')
    const intent = { id: 'i', action: 'refresh', holder: 'dead', startedAt: clock.wall() } as const
    await store.commit({
      connection: 'default',
      writes: [{ credential: { ...credential, intent }, expect: { generation: 1 } }],
    })
    await clock.advance(MANDATORY)
    expect(await outcome(guests.token(id))).toBe(first)
    expect([await status(), refreshes()]).toEqual(['in_doubt', 0])
    await clock.advance(MINUTE)
    expect((await guests.token(id)).generation).toBe(2)
  })

  it('is tried once more, declared again, after its process died in the last resort', async () => {
    const { guests, id, clock, store, row, refreshes, last } = await issued()
    const credential = await row(id)
    if (!credential) throw new Error('gone')
    const intent = { id: 'i', action: 'last_resort', holder: 'dead', startedAt: clock.wall() } as const
    const next = { ...credential, status: 'in_doubt', intent } as const
    await store.commit({ connection: 'default', writes: [{ credential: next, expect: { generation: 1 } }] })
    await clock.advance(HOUR)
    expect((await guests.token(id)).generation).toBe(2)
    expect([refreshes(), (await last('REFRESH_INITIATED'))?.data]).toEqual([
      1,
      expect.objectContaining({ lastResort: true }),
    ])
  })

  it('is not renewed while the answer could not be verified', async () => {
    const here = await issued()
    const other = await here.process({ publicKey: undefined } as never)
    await here.clock.advance(MANDATORY)
    expect((await refusal(other.guests.refresh(here.id))).code).toBe('keys_unavailable')
    expect(here.refreshes()).toBe(0)
    expect((await here.row(here.id))?.intent).toBeUndefined()
    await here.clock.advance(10 * SECOND)
    expect((await here.guests.refresh(here.id)).generation).toBe(2)
  })

  it('keeps a new refresh token that came with a token that does not verify', async () => {
    const { guests, id, first, upstream, status, clock, row, last } = await issued()
    upstream.answers = { token: jwt({ sub: 'x', exp: 1_900_000_000 }, strangerKey) }
    await clock.advance(MANDATORY)
    expect(await outcome(guests.token(id))).toBe(first)
    expect([await status(), (await row(id))?.tokens?.refresh?.reveal()]).toEqual(['active', `refresh-${id}-1`])
    expect(await last('REFRESH_FAILED')).toMatchObject({ error: { code: 'token_refused' } })
    upstream.answers = {}
    await clock.advance(MINUTE)
    expect((await guests.token(id)).generation).toBe(3)
  })

  it('keeps a new refresh token that came with an expired token', async () => {
    const here = await issued()
    const other = await here.process({ policy: { timeoutMs: 3 * HOUR, deadlineMs: 3 * HOUR } })
    await here.clock.advance(MANDATORY)
    here.upstream.meets('refresh', slow(here.clock, 2 * HOUR))
    const asked = outcome(other.guests.refresh(here.id))
    await here.clock.advance(2 * HOUR)
    expect(await advanceUntil(here.clock, asked)).not.toContain('.')
    expect((await here.row(here.id))?.tokens?.refresh?.reveal()).toBe(`refresh-${here.id}-1`)
    await here.clock.advance(MINUTE)
    expect((await here.guests.token(here.id)).generation).toBe(3)
    expect(here.refreshes()).toBe(2)
  })

  it('is replaced by a new guest, and revoked, after its token expired while it was in doubt', async () => {
    const { guests, id, upstream, clock, status } = await issued()
    upstream.meets('refresh', dropped('before'))
    await clock.advance(MANDATORY)
    await guests.token(id)
    expect(await status()).toBe('in_doubt')
    await clock.advance(MINUTE)
    const next = await guests.issue(replace)
    expect(next).toMatchObject({ generation: 1, channelId: 'web-1' })
    expect(next.guestId).not.toBe(id)
    expect(await status()).toBe('revoked')
  })

  it('is replaced by a new guest with a record of the refresh that began in between', async () => {
    const here = await issued()
    const gate = gated()
    here.upstream.meets('refresh', gate.answer)
    here.upstream.lapse()
    let begun: Promise<unknown> | undefined
    const store: Store = {
      ...here.store,
      async commit(change) {
        if (!begun && change.events?.some(({ type }) => type === 'guest.authentication')) {
          begun = outcome(here.guests.refresh(here.id))
          await settle()
        }
        return here.store.commit(change)
      },
    }
    const replacing = await here.process({}, { store, http: here.upstream.http })
    const next = await replacing.guests.issue(replace)
    gate.release()
    await advanceUntil(here.clock, begun ?? Promise.resolve())
    expect(next.guestId).not.toBe(here.id)
    const all = await here.events()
    expect(all.filter(({ type }) => type.startsWith('REFRESH_'))).toMatchObject([
      { type: 'REFRESH_INITIATED' },
      { type: 'REFRESH_FAILED', error: { code: 'in_doubt', reason: 'revoked' } },
    ])
    expect(await here.status()).toBe('revoked')
  })

  it('rejects a token from outside', async () => {
    const { guests, id, first } = await issued()
    expect((await refusal(guests.refresh(id, { token: first }))).code).toBe('invalid_input')
  })
})

describe('an external user', () => {
  const user = { api: 'external-users', email: EMAIL, name: 'Ann Example', attributes: { plan: 'gold' } } as const

  async function users(options: Parameters<ReturnType<typeof applicantWorld>['process']>[0] = {}) {
    const here = applicantWorld()
    const connection = await here.process(options)
    return { ...here, connection, guests: connection.guests }
  }

  it('is made on behalf of the signed-in user, and made again after its token expired', async () => {
    const { guests, upstream, clock, last } = await users()
    const guest = await guests.issue(user)
    expect(guest).toMatchObject({ api: 'external-users', verified: true, generation: 1 })
    expect(JSON.parse(upstream.asked.user[0]?.body ?? '')).toEqual({
      name: 'Ann Example',
      email: EMAIL,
      customAttributes: { plan: 'gold' },
    })
    expect(new URLSearchParams(upstream.asked.token[0]?.body).get('scope')).toBe(
      'externalusers:write webmessaging:guest:create',
    )
    expect((await last('guest.authentication'))?.data).toMatchObject({
      complianceFlags: { gdprConsentRecorded: false, dataMinimizationApplied: true },
    })
    await clock.advance(HOUR - SECOND)
    expect((await guests.token(guest.guestId)).token.reveal()).toBe(guest.token.reveal())
    expect((await refusal(guests.refresh(guest.guestId))).code).toBe('refresh_impossible')
    await clock.advance(SECOND)
    const error = await refusal(guests.token(guest.guestId))
    expect(error.code).toBe('refresh_impossible')
    expect(error.message).toContain('Authenticate the guest again')
    expect((await guests.issue(user)).guestId).not.toBe(guest.guestId)
    expect(upstream.asked.user).toHaveLength(2)
  })

  it('is made once for each address, however many calls ask', async () => {
    const { guests, upstream } = await users()
    const all = await Promise.all(Array.from({ length: 20 }, () => outcome(guests.issue(user))))
    expect(all.filter((one) => one === 'session_exists')).toHaveLength(19)
    expect(upstream.asked.user).toHaveLength(1)
  })

  it('has an unverified token by configuration, for five minutes if no lifetime is known', async () => {
    const { guests, upstream, clock } = await users({ tokenFormat: { 'external-users': 'opaque' } })
    upstream.answers = { token: 'opaque' }
    expect(await guests.issue(user)).toMatchObject({ verified: false, expiresAt: clock.wall() + 5 * MINUTE })
  })

  it('is in doubt when the answer was lost, and not made twice without onDoubt create', async () => {
    const { guests, upstream, last } = await users()
    upstream.meets('user', dropped('after'))
    expect((await refusal(guests.issue(user))).code).toBe('create_in_doubt')
    const lost = (await last('GUEST_CREATE_INITIATED'))?.data.requestId
    const error = await refusal(guests.issue(user))
    expect(error.code).toBe('create_in_doubt')
    expect(error.message).toContain("`onDoubt: 'create'`")
    expect(upstream.asked.user).toHaveLength(1)
    expect((await guests.issue({ ...user, onDoubt: 'create' as const })).generation).toBe(1)
    expect((await last('GUEST_ORPHANED'))?.data).toMatchObject({ requestId: lost })
    expect((await refusal(guests.issue(user))).code).toBe('session_exists')
    expect(upstream.asked.user).toHaveLength(2)
  })

  it('is no longer in doubt after a second request with onDoubt create that failed', async () => {
    const { guests, upstream, recorded } = await users()
    upstream.meets('user', dropped('after'), instead(503))
    await refusal(guests.issue(user))
    expect((await refusal(guests.issue({ ...user, onDoubt: 'create' as const }))).code).toBe('upstream_unavailable')
    expect((await guests.issue(user)).generation).toBe(1)
    expect((await recorded()).filter((type) => type === 'GUEST_ORPHANED')).toHaveLength(1)
  })

  it('needs the scopes of the user, and the error names them', async () => {
    const { guests, upstream } = await users()
    upstream.scopes = 'webmessaging:guest:create'
    const error = await refusal(guests.issue(user))
    expect([error.code, upstream.asked.user.length]).toEqual(['needs_reauth', 0])
    expect(error.message).toContain('externalusers:write')
  })
})
