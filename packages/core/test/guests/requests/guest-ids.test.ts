import { describe, expect, it } from 'vitest'
import { type Credential, type GuestCredential, guestsIn } from '../../../src/domain/credential.ts'
import { guestIdOf, isGuestId } from '../../../src/domain/guest-id.ts'
import { rowOf } from '../../../src/guests/requests/guest-row.ts'
import { profileSecret } from '../../../src/domain/profile.ts'
import { MINUTE } from '../../../src/domain/time.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import { redactIds } from '../../../src/guests/events/redact-ids.ts'
import type { Store } from '../../../src/ports/store.ts'
import { settle } from '../../../src/testing/index.ts'
import { jwt } from '../../world/fake-upstream.ts'
import { ann, EMAIL, applicantWorld, reuse } from '../../world/applicant-world.ts'
import { ID, refreshWorld, request } from '../../world/refresh-world.ts'
import { refusal } from '../../world/world.ts'

const TEXT = 'guest/7 Ä?#'
const tokenOf = (sub: string) => jwt({ sub, exp: 1_900_000_000 })
const named = (guestId: string) => ({ guestId, token: tokenOf(guestId) })
const user = { api: 'external-users', email: EMAIL, name: 'Ann Example' } as const

const storedRow: Omit<GuestCredential, 'id'> = {
  connection: 'default',
  kind: 'guest',
  api: 'engagements',
  subject: 'subject',
  generation: 1,
  status: 'active',
  createdAt: 0,
}

async function started() {
  const here = applicantWorld()
  const connection = await here.process()
  return { ...here, connection, guests: connection.guests }
}

describe('a guest id that the upstream gives', () => {
  it.each(['7', 'guest_98cc63db', 'a b', 'ä/ö?#%', '…', 'x'.repeat(200), '💬', '6F9619FF-8B86-4D11-B42D-00C04FC964FF'])(
    'may be %j',
    (id) => expect(isGuestId(id)).toBe(true),
  )

  it.each([
    '',
    ' ',
    '.',
    '..',
    '%2e%2E',
    '../a',
    'a/..',
    'a/../b',
    'a\\..',
    'a%2F..',
    ' a',
    'a ',
    'a  b',
    'a\n',
    'a\u0000',
    '\u202ea',
    '\ud800',
    'x'.repeat(201),
  ])('cannot be %j', (id) => expect(isGuestId(id)).toBe(false))

  it('is unchanged in answers, lists, calls and checks', async () => {
    const here = await started()
    const { guests, upstream, connection } = here
    upstream.answers = named(TEXT)
    const guest = await guests.issue(ann)
    expect(guest.guestId).toBe(TEXT)
    await settle()
    expect([...upstream.attributes.keys()]).toEqual([encodeURIComponent(TEXT)])
    expect(await guests.show(TEXT)).toMatchObject({ guestId: TEXT, api: 'engagements' })
    expect((await guests.list()).guests.map(({ guestId }) => guestId)).toEqual([TEXT])
    expect(await connection.verifier.verify(guest.token.reveal(), { subject: guest.guestId })).toMatchObject({
      valid: true,
    })
    upstream.answers = { token: tokenOf(TEXT) }
    expect(await guests.refresh(TEXT)).toMatchObject({ guestId: TEXT, generation: 2 })
    expect((await guests.token(TEXT)).generation).toBe(2)
    expect(await guests.invalidate({ email: EMAIL, channelId: 'web-1' })).toEqual({ freed: true, guestId: TEXT })
    await guests.erase(TEXT)
    expect((await guests.show(TEXT)).status).toBe('erased')
    expect(JSON.stringify(await here.events())).not.toContain('guest/7')
  })

  it('keeps its capitals if it is a UUID', async () => {
    const { guests, upstream } = await started()
    const id = '6F9619FF-8B86-4D11-B42D-00C04FC964FF'
    upstream.answers = named(id)
    expect((await guests.issue(ann)).guestId).toBe(id)
    expect((await guests.token(id)).guestId).toBe(id)
  })

  it.each(['..', '.', '', '../../tokens', '%2e%2e', 'x'.repeat(201), 'a\u0000b'])(
    'is rejected if it is %j',
    async (guestId) => {
      const { guests, upstream, store } = await started()
      upstream.answers = named(guestId)
      const error = await refusal(guests.issue(ann))
      expect(error.code).toBe('create_in_doubt')
      expect(error.message).toContain('visible characters without . and .. between slashes')
      await settle()
      expect(upstream.asked.update).toEqual([])
      expect((await store.list('default', { kind: 'guest', limit: 9 })).credentials).toEqual([])
    },
  )

  it('is rejected as upstream_garbled for a second person, and the first session is unchanged', async () => {
    const { guests, upstream, connection, last, row } = await started()
    upstream.answers = named('guest-7')
    const first = await guests.issue(ann)
    upstream.answers = { ...named('guest-7'), refreshToken: 'another' }
    const error = await refusal(guests.issue({ ...ann, email: 'bob@mail.example' }))
    expect(error.code).toBe('upstream_garbled')
    expect(await last('GUEST_ORPHANED')).toMatchObject({ error: { code: 'upstream_garbled' } })
    expect((await row('guest-7'))?.generation).toBe(1)
    expect((await guests.token('guest-7')).token.reveal()).toBe(first.token.reveal())
    expect(await connection.verifier.verify(first.token.reveal())).toMatchObject({ valid: true })
    expect((await guests.issue(reuse)).token.reveal()).toBe(first.token.reveal())
  })

  it.each(['grant', 'access-7'])('is no row of an access token or a sign-in if it is %j', async (guestId) => {
    const { guests, upstream, store, connection } = await started()
    upstream.answers = named(guestId)
    const guest = await guests.issue(ann)
    expect((await store.find('default', guestId)).credential).toBeUndefined()
    expect(await connection.grant.exists()).toBe(false)
    expect((await guests.token(guestId)).token.reveal()).toBe(guest.token.reveal())
    upstream.answers = { token: tokenOf(guestId) }
    expect(await guests.refresh(guestId)).toMatchObject({ guestId, generation: 2 })
    expect((await guests.list()).guests).toMatchObject([{ guestId, generation: 2 }])
  })

  it('is the next generation if the same person gets it again', async () => {
    const { guests, upstream, clock } = await started()
    upstream.answers = named('guest-7')
    await guests.issue(ann)
    upstream.lapse()
    await clock.advance(66 * MINUTE)
    upstream.answers = { ...named('guest-7'), token: jwt({ sub: 'guest-7', exp: 1_900_000_001 }) }
    expect(await guests.issue(ann)).toMatchObject({ guestId: 'guest-7', generation: 2 })
  })
})

describe('the same id at two APIs', () => {
  /** A guest of each API under one id. */
  async function both() {
    const here = await started()
    here.upstream.answers = named('7')
    const engaged = await here.guests.issue(ann)
    here.upstream.answers = { id: '7', token: jwt({ sub: '7', exp: 1_900_000_001 }) }
    const external = await here.guests.issue(user)
    return { ...here, engaged, external }
  }

  it('belongs to two guests, each with its token', async () => {
    const { guests, engaged, external } = await both()
    expect([engaged.guestId, external.guestId]).toEqual(['7', '7'])
    for (const guest of [engaged, external]) {
      const api = guest.api as 'engagements' | 'external-users'
      expect((await guests.token('7', { api })).token.reveal()).toBe(guest.token.reveal())
      expect(await guests.show('7', { api })).toMatchObject({ guestId: '7', api })
    }
    expect((await guests.list()).guests).toMatchObject([
      { guestId: '7', api: 'engagements' },
      { guestId: '7', api: 'external-users' },
    ])
  })

  it('is rejected without `api`, with an error that names both APIs', async () => {
    const { guests } = await both()
    for (const ask of [guests.token, guests.show, guests.revoke, guests.erase, guests.refresh]) {
      const error = await refusal(ask('7'))
      expect(error.code).toBe('invalid_input')
      expect(error.fields?.map(({ field }) => field)).toEqual(['api'])
      expect(error.message).toContain('engagements and external-users')
    }
    expect((await refusal(guests.show('7', { api: 'guest-tokens' }))).code).toBe('guest_unknown')
  })

  it('revokes and erases one guest at a time', async () => {
    const { guests, connection, engaged, external } = await both()
    await guests.revoke('7', { api: 'external-users' })
    expect(await connection.verifier.verify(external.token.reveal())).toEqual({ valid: false, reason: 'revoked' })
    expect(await connection.verifier.verify(engaged.token.reveal())).toMatchObject({ valid: true })
    await guests.erase('7', { api: 'engagements' })
    expect((await guests.show('7', { api: 'external-users' })).status).toBe('revoked')
    expect((await refusal(guests.show('7'))).code).toBe('invalid_input')
  })
})

describe('a guest that was stored before an API was registered whose name its id begins with', () => {
  const OLD = 'external-users/7'
  const external = { api: 'external-users' } as const

  /** A store with the guests of one API, as it was filled when `external-users` was not registered yet. */
  async function stored(...ids: readonly string[]) {
    const here = await started()
    for (const id of ids) {
      const credential: GuestCredential = {
        ...storedRow,
        id,
        subject: `subject-of-${id}`,
        request: { assurance: 'claimed', channelId: 'web-1' },
        profile: profileSecret({ email: EMAIL }),
      }
      await here.store.commit({ connection: 'default', writes: [{ credential, expect: { generation: 0 } }] })
    }
    const rows = async () =>
      guestsIn(await here.store.list('default', { kind: 'guest', limit: 9 })).map(({ id, api, generation }) => [
        id,
        api,
        generation,
      ])
    return { ...here, rows }
  }

  it('is found by its id and revoked', async () => {
    const { guests } = await stored(OLD)
    expect(await guests.show(OLD)).toMatchObject({ guestId: OLD, api: 'engagements' })
    expect(await guests.show(OLD, { api: 'engagements' })).toMatchObject({ guestId: OLD, generation: 1 })
    expect((await refusal(guests.show(OLD, external))).code).toBe('guest_unknown')
    await guests.revoke(OLD)
    expect((await guests.show(OLD)).status).toBe('revoked')
  })

  it('gets its next generation in the same row', async () => {
    const { guests, upstream, rows } = await stored(OLD)
    upstream.answers = named(OLD)
    expect(await guests.issue(ann)).toMatchObject({ guestId: OLD, generation: 2 })
    expect((await guests.token(OLD)).generation).toBe(2)
    expect(await rows()).toEqual([[OLD, 'engagements', 2]])
  })

  it('is unchanged when the new API gives an id that would have the same row', async () => {
    const { guests, upstream, rows } = await stored('7', OLD)
    upstream.answers = { id: '7', token: tokenOf('7') }
    const guest = await guests.issue(user)
    expect(guest).toMatchObject({ guestId: '7', api: 'external-users', generation: 1 })
    expect((await guests.token('7', external)).token.reveal()).toBe(guest.token.reveal())
    expect((await refusal(guests.show('7'))).message).toContain('engagements and external-users')
    expect(await guests.show(OLD)).toMatchObject({ guestId: OLD, api: 'engagements', generation: 1 })
    expect((await guests.list()).guests.map(({ guestId, api }) => [guestId, api])).toEqual([
      ['7', 'engagements'],
      ['7', 'external-users'],
      [OLD, 'engagements'],
    ])
    const again = guests.issue({ ...user, email: 'bob@mail.example' })
    expect((await refusal(again)).code).toBe('upstream_garbled')
    expect(await rows()).toHaveLength(3)
  })

  it('is one of two guests when the new API gives the same id', async () => {
    const { guests, upstream } = await stored(OLD)
    upstream.answers = { id: OLD, token: tokenOf(OLD) }
    await guests.issue(user)
    expect((await refusal(guests.show(OLD))).message).toContain('engagements and external-users')
    expect(await guests.show(OLD, external)).toMatchObject({ guestId: OLD, ...external })
    expect(await guests.show(OLD, { api: 'engagements' })).toMatchObject({ guestId: OLD, generation: 1 })
  })
})

describe('an ephemeral guest whose id another API gave too', () => {
  it('does not overwrite the guest that the other API stored meanwhile', async () => {
    const here = refreshWorld()
    let isThere = false
    const commit: Store['commit'] = async (change) => {
      if (change.writes && !isThere) {
        isThere = true
        await here.store.commit({
          connection: 'default',
          writes: [{ credential: { ...storedRow, id: ID }, expect: { generation: 0 } }],
        })
      }
      return here.store.commit(change)
    }
    const { guests } = await here.process({}, { store: { ...here.store, commit } })
    expect(await guests.issue(request)).toMatchObject({ guestId: ID, api: 'guest-tokens', generation: 1 })
    expect(await guests.show(ID, { api: 'engagements' })).toMatchObject({ generation: 1 })
    expect(await guests.show(ID, { api: 'guest-tokens' })).toMatchObject({ generation: 1 })
  })

  it('is not found by another API, and the message names its own', async () => {
    const here = refreshWorld()
    const { guests } = await here.process()
    await guests.issue(request)
    const error = await refusal(guests.token(ID, { api: 'engagements' }))
    expect(error.code).toBe('guest_unknown')
    expect(error.message).toContain('There is a guest of this id, of the API guest-tokens.')
  })

  it('is minted, refreshed and imported beside the other guest', async () => {
    const here = refreshWorld()
    const { guests } = await here.process()
    const engaged: Credential = { ...storedRow, id: ID }
    await here.store.commit({ connection: 'default', writes: [{ credential: engaged, expect: { generation: 0 } }] })
    const of = { api: 'guest-tokens' } as const
    const minted = await guests.issue(request)
    expect(minted).toMatchObject({ guestId: ID, api: 'guest-tokens', generation: 1 })
    expect((await refusal(guests.token(ID))).message).toContain('engagements and guest-tokens')
    expect((await guests.token(ID, of)).token.reveal()).toBe(minted.token.reveal())
    expect(await guests.refresh(ID, of)).toMatchObject({ guestId: ID, generation: 2 })
    expect(here.upstream.effects(ID)).toBe(1)
    const next = await guests.issue(request)
    expect(next.generation).toBe(3)
    await here.clock.advance(MINUTE)
    expect(await guests.refresh(ID, { ...of, token: here.upstream.mint(ID) })).toMatchObject({ generation: 5 })
    expect(await here.row()).toMatchObject({ api: 'engagements', generation: 1, shared: true })
    expect(JSON.stringify(await here.events())).not.toContain(ID)
  })
})

describe('a guest', () => {
  const invented = '0f0e0d0c-0b0a-4a0b-8c0d-0e0f0a0b0c0d'

  it("is found by an invented id of a former version, and shown under the upstream's id", async () => {
    const { guests, store } = await started()
    const credential = { ...storedRow, id: invented, upstreamId: 'guest_7' }
    await store.commit({ connection: 'default', writes: [{ credential, expect: { generation: 0 } }] })
    for (const id of [invented, 'guest_7']) expect((await guests.show(id)).guestId).toBe('guest_7')
    await guests.revoke('guest_7')
    expect((await guests.show(invented)).status).toBe('revoked')
    expect((await refusal(guests.show('guest_8'))).code).toBe('guest_unknown')
  })

  it('never gets the row of an access token or grant, whatever its id', async () => {
    const { guests, upstream, store } = await started()
    const access: Credential = { ...storedRow, id: 'key-1', kind: 'access', api: 'oauth' }
    await store.commit({ connection: 'default', writes: [{ credential: access, expect: { generation: 0 } }] })
    for (const ask of [guests.token, guests.refresh, guests.show])
      expect((await refusal(ask('key-1'))).code).toBe('guest_unknown')
    upstream.answers = named('key-1')
    const guest = await guests.issue(ann)
    expect(guest.guestId).toBe('key-1')
    expect((await guests.token('key-1')).token.reveal()).toBe(guest.token.reveal())
    expect((await store.find('default', 'key-1')).credential?.kind).toBe('access')
  })

  it('shares no row with a guest of another API, whatever its id', () => {
    const ids = ['7', 'engagements/7', 'external-users/7', 'engagements/engagements/7']
    for (const api of ['engagements', 'external-users'] as const)
      for (const id of ids) expect(guestIdOf({ api, id: rowOf(api, id) })).toBe(id)
    expect(rowOf('external-users', 'engagements/7')).toBe('external-users/engagements/7')
    expect(guestIdOf({ api: 'external-users', id: 'engagements/7' })).toBe('engagements/7')
  })

  it('is not named in events by its id, however the id is written', () => {
    const of = (message: string, id: string) => redactIds(new GuestpassError('internal', message), 'X', [id]).message
    expect(of('Guest 7: upstream answered 57 (7).', '7')).toBe('Guest X: upstream answered 57 (X).')
    expect(of('/guests/a%2Fb is gone, a/b', 'a/b')).toBe('/guests/X is gone, X')
    expect(of('guest-7 and GUEST-7', 'guest-7')).toBe('X and X')
  })
})
