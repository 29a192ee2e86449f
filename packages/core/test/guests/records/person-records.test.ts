import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { guestIn } from '../../../src/domain/credential.ts'
import { guestRecords } from '../../../src/guests/records/guest-records.ts'
import { profileSecret } from '../../../src/domain/profile.ts'
import { instead } from '../../world/scripted-answers.ts'
import { seededRandom } from '../../../src/testing/index.ts'
import { ann, EMAIL, expectNothingPersonal, applicantWorld, typesOf } from '../../world/applicant-world.ts'
import { refusal } from '../../world/world.ts'

const CUSTOMER = { customerId: 'c-1', tier: 'gold', lastInteraction: '2025-12-24T10:00:00Z' }
const other = { ...ann, channelId: 'web-2' }
const user = { api: 'external-users', email: EMAIL, name: 'Ann Example' } as const
const bob = { ...ann, email: 'bob@mail.example' }

/** Ann on two channels and as an external user, Bob, and a guest without an address. */
async function started() {
  const here = applicantWorld()
  here.upstream.customers.set(EMAIL, CUSTOMER)
  const connection = await here.process({ crmUrl: 'https://crm.example.com/v1/' })
  const { guests } = connection
  const issued = [await guests.issue(ann), await guests.issue(other), await guests.issue(user)]
  const bobs = await guests.issue(bob)
  await here.enriched(connection)
  return { ...here, connection, guests, issued, bobs, ids: issued.map(({ guestId }) => guestId).toSorted() }
}

const idsOf = (list: readonly { readonly guestId: string }[]): readonly string[] =>
  list.map(({ guestId }) => guestId).toSorted()

describe('the search for a person by address', () => {
  it('finds guests of every API, channel and status, however the address is written', async () => {
    const { guests, issued, ids } = await started()
    await guests.revoke(issued[0]?.guestId ?? '')
    const found = await guests.find({ email: ` ${EMAIL.toUpperCase()} ` })
    expect(idsOf(found)).toEqual(ids)
    expect(found.map(({ status }) => status).toSorted()).toEqual(['active', 'active', 'revoked'])
    expectNothingPersonal(found)
  })

  it('finds only the guests of a named channel', async () => {
    const { guests, issued } = await started()
    expect(idsOf(await guests.find({ email: EMAIL, channelId: 'web-2' }))).toEqual([issued[1]?.guestId])
    expect(await guests.find({ email: EMAIL, channelId: 'web-3' })).toEqual([])
  })

  it('finds a guest behind more guests than one page holds', async () => {
    const { guests, store, bobs, ids } = await started()
    const { credential } = await store.find('default', bobs.guestId)
    if (!credential) throw new Error('Bob is not stored')
    const writes = Array.from({ length: 450 }, (_, at) => ({
      credential: { ...credential, id: `guest-${at}`, subject: `subject-${at}` },
      expect: { generation: 0, revision: 0 },
    }))
    await store.commit({ connection: 'default', writes })
    expect(idsOf(await guests.find({ email: EMAIL }))).toEqual(ids)
    expect(await guests.find({ email: bob.email })).toHaveLength(451)
  })

  it('finds guests without a connection, and by a profile whose address is written otherwise', async () => {
    const { store, issued, ids } = await started()
    const found = await store.find('default', issued[0]?.guestId ?? '')
    const credential = guestIn(found)
    if (!credential) throw new Error('Ann is not stored')
    const profile = profileSecret({ email: ` ${EMAIL.toUpperCase()}` })
    const expected = { generation: credential.generation, revision: found.revision }
    await store.commit({
      connection: 'default',
      writes: [{ credential: { ...credential, profile }, expect: expected }],
    })
    const records = guestRecords({ connection: 'default' }, { store, random: seededRandom() })
    expect(idsOf(await records.find({ email: EMAIL }))).toEqual(ids)
  })

  it.each([
    [{ email: 'ann' }, 'email'],
    [{}, 'email'],
    [undefined, 'request'],
    [{ email: EMAIL, channelId: '..' }, 'channelId'],
    [{ email: EMAIL, channel: 'web-1' }, 'channel'],
  ])('rejects %j with the field %s', async (whose, field) => {
    const { guests } = await started()
    for (const ask of [guests.find, guests.export]) {
      const error = await refusal(ask(whose as never))
      expect(error).toMatchObject({ code: 'invalid_input', fields: [{ field }] })
      expectNothingPersonal(error)
    }
    if (whose) expect(await refusal(guests.erase(whose as never))).toMatchObject({ fields: [{ field }] })
  })

  it('stops after the caller cancelled', async () => {
    const { guests } = await started()
    const context = { signal: AbortSignal.abort() }
    await expect(guests.find({ email: EMAIL }, context)).rejects.toThrow()
    await expect(guests.export({ email: EMAIL }, context)).rejects.toThrow()
    await expect(guests.erase({ email: EMAIL }, context)).rejects.toThrow()
    expect(await guests.find({ email: EMAIL })).toHaveLength(3)
  })
})

describe('the export of a person', () => {
  it('contains everything but tokens as JSON', async () => {
    const { guests, issued, ids } = await started()
    const document = await guests.export({ email: EMAIL })
    const text = JSON.stringify(document)
    const read = JSON.parse(text) as typeof document
    expect(read).toMatchObject({ connection: 'default', email: EMAIL, openCreates: [] })
    expect(idsOf(read.guests)).toEqual(ids)
    expect(read.guests.find(({ channelId }) => channelId === 'web-1')).toMatchObject({
      api: 'engagements',
      status: 'active',
      generation: 1,
      createdAt: '2026-01-01T00:00:00.000Z',
      request: { consentTimestamp: '2026-01-01T00:00:00.000Z' },
      subject: (await guests.show(issued[0]?.guestId ?? '')).subject,
      profile: { email: EMAIL, name: 'Ann Example', attributes: { plan: 'gold' }, crm: CUSTOMER },
    })
    for (const { token } of issued) expect(text).not.toContain(token.reveal())
    expect(text).not.toMatch(/refresh-?token|bob@/i)
  })

  it('names pending work and the failed create', async () => {
    const { guests, upstream, connection, enriched } = await started()
    upstream.meets('update', instead(503))
    await guests.issue({ ...ann, channelId: 'web-9' })
    await enriched(connection)
    upstream.meets('create', instead(500))
    await refusal(guests.issue({ ...ann, channelId: 'web-8' }))
    const pending = await guests.export({ email: EMAIL, channelId: 'web-9' })
    expect(pending).toMatchObject({ channelId: 'web-9', guests: [{ pending: { put: true, attempts: 1 } }] })
    const lost = await guests.export({ email: EMAIL, channelId: 'web-8' })
    expect(lost).toMatchObject({ guests: [], openCreates: [{ channelId: 'web-8', state: 'in_doubt' }] })
  })

  it('is empty for an unknown address', async () => {
    const { guests } = await started()
    expect(await guests.export({ email: 'eve@mail.example' })).toEqual({
      connection: 'default',
      email: 'eve@mail.example',
      guests: [],
      openCreates: [],
    })
  })

  it('is hidden from logs', async () => {
    const { guests } = await started()
    expect(inspect(await guests.export({ email: EMAIL }), { depth: 9 })).toBe('[person export: guests 3]')
  })
})

describe('the erasure of a person by address', () => {
  it('erases every guest, frees every reservation, and names what remains elsewhere', async () => {
    const { guests, connection, store, events, issued, ids, bobs, last, upstream } = await started()
    const erased = await guests.erase({ email: EMAIL.toUpperCase() }, { actor: 'officer', correlationId: 'case-7' })
    expect(idsOf(erased.guests)).toEqual(ids)
    expect(erased.guests.map(({ api, channelId = '' }) => `${api} ${channelId}`).toSorted()).toEqual([
      'engagements web-1',
      'engagements web-2',
      'external-users ',
    ])
    expect(erased.guests.every(({ local, upstreamValidUntil }) => local === 'done' && upstreamValidUntil)).toBe(true)
    expect(erased.remains.join()).toMatch(/Genesys Cloud.*CRM.*backups/)
    const endpoints = { kind: 'webhook', id: 'one-endpoint', value: 1, expect: { revision: 0 } }
    await store.commit({ connection: 'default', documents: [endpoints] })
    expect((await guests.erase({ email: EMAIL })).remains.join()).toContain('(endpoints one-endpoint)')
    expect(new Set(erased.remains).size).toBe(erased.remains.length)
    for (const { guestId, token } of issued) {
      expect((await store.find('default', guestId)).credential).toMatchObject({ status: 'erased' })
      expect(await connection.verifier.verify(token.reveal())).toEqual({ valid: false, reason: 'revoked' })
    }
    expect((await store.documents('default', { kind: 'duplicate', limit: 9 })).documents).toHaveLength(1)
    expect(typesOf(await events()).filter((type) => type === 'GUEST_ERASED')).toHaveLength(3)
    expect(await last('GUEST_ERASED')).toMatchObject({ actor: 'officer', correlationId: 'case-7' })
    expectNothingPersonal(erased, await events())
    expect((await guests.show(bobs.guestId)).status).toBe('active')
    upstream.lapse()
    expect((await guests.issue(ann)).generation).toBe(1)
  })

  it('erases only the guests of a named channel', async () => {
    const { guests, issued, ids } = await started()
    const erased = await guests.erase({ email: EMAIL, channelId: 'web-2' })
    expect(idsOf(erased.guests)).toEqual([issued[1]?.guestId])
    expect(idsOf(await guests.find({ email: EMAIL }))).toEqual(ids.filter((id) => id !== issued[1]?.guestId))
  })

  it('does not repeat an address that was given as the id of an imported token', async () => {
    const { guests, issued } = await started()
    for (const token of ['no-token', issued[0]?.token.reveal() ?? '']) {
      const error = await refusal(guests.refresh(EMAIL, { token }))
      expect(error).toMatchObject({ code: 'token_invalid' })
      expectNothingPersonal(error)
    }
  })

  it('does not repeat an address that was given as an id', async () => {
    const { guests } = await started()
    const calls = [
      guests.erase(EMAIL),
      guests.show(EMAIL),
      guests.token(EMAIL),
      guests.revoke(EMAIL),
      guests.refresh(EMAIL),
    ]
    for (const call of calls) {
      const error = await refusal(call)
      expect(error).toMatchObject({ code: 'guest_unknown', message: expect.stringContaining('looks like an address') })
      expectNothingPersonal(error)
    }
  })

  it('changes nothing when it is repeated', async () => {
    const { guests, events } = await started()
    await guests.erase({ email: EMAIL })
    const before = await events()
    const again = await guests.erase({ email: EMAIL })
    expect([again.guests, again.remains.join()]).toEqual([[], expect.stringMatching(/Genesys Cloud.*removed/)])
    expect(await events()).toEqual(before)
  })

  it('erases a guest that was stored after the guests were read', async () => {
    const here = await started()
    const key = { email: EMAIL, channelId: 'web-7' }
    let late = ''
    const list: typeof here.store.list = async (...ask) => {
      const page = await here.store.list(...ask)
      // The search for the person; the one before it looks for guests without an index.
      if (ask[1].person !== undefined) late = (await here.guests.issue({ ...ann, channelId: 'web-7' })).guestId
      return page
    }
    const records = guestRecords({ connection: 'default' }, { store: { ...here.store, list }, random: seededRandom() })
    const erased = await records.erase(key)
    expect(erased.guests).toMatchObject([{ guestId: late, channelId: 'web-7' }])
    expect(await here.row(late)).toMatchObject({ status: 'erased' })
    expect(await here.guests.export(key)).toMatchObject({ guests: [], openCreates: [] })
  })

  it('names the guest that a lost answer may have made upstream', async () => {
    const { guests, upstream } = await started()
    upstream.meets('create', instead(500))
    await refusal(guests.issue({ ...ann, channelId: 'web-8' }))
    const { guests: none, remains } = await guests.erase({ email: EMAIL, channelId: 'web-8' })
    expect(none).toEqual([])
    expect(remains.join()).toMatch(/answer to its create did not come/)
  })
})
