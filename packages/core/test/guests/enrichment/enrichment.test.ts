import { describe, expect, it } from 'vitest'
import { profileIn } from '../../../src/domain/profile.ts'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { settle } from '../../../src/testing/index.ts'
import { recordingObserver } from '../../world/recording-observer.ts'
import { dropped, instead, slow } from '../../world/scripted-answers.ts'
import { jwt } from '../../world/fake-upstream.ts'
import { garbled } from '../../world/applicant-upstream.ts'
import { ann, EMAIL, expectNothingPersonal, applicantWorld, until, verified } from '../../world/applicant-world.ts'
import { refusal } from '../../world/world.ts'

const CUSTOMER = { customerId: 'c-1', tier: 'gold', lastInteraction: '2025-12-24T10:00:00Z' }
const crmUrl = 'https://crm.example.com/v1/'

async function started(options: Parameters<ReturnType<typeof applicantWorld>['process']>[0] = { crmUrl }) {
  const here = applicantWorld()
  here.upstream.customers.set(EMAIL, CUSTOMER)
  const connection = await here.process(options)
  const pending = async (): Promise<readonly unknown[]> =>
    (await here.store.documents('default', { kind: 'enrichment', limit: 9 })).documents.map(({ value }) => value)
  return { ...here, connection, guests: connection.guests, pending }
}

describe('the CRM profile of a guest', () => {
  it('is returned with the guest, and sent upstream with consent and attributes', async () => {
    const { guests, upstream, connection, enriched, last, pending, row } = await started()
    const guest = await guests.issue(ann)
    expect(guest.crm).toEqual(CUSTOMER)
    expect(profileIn((await row(guest.guestId))?.profile)['crm']).toEqual(CUSTOMER)
    expect(upstream.asked.crm[0]?.url).toBe('https://crm.example.com/v1/profiles?email=ann.example%40mail.example')
    expect(upstream.asked.crm[0]?.headers['authorization']).toBeUndefined()
    await enriched(connection)
    expect(upstream.attributes.get(guest.guestId)).toEqual({
      plan: 'gold',
      ...CUSTOMER,
      consentTimestamp: '2026-01-01T00:00:00.000Z',
      authMethod: 'guest-api',
      sessionVersion: '1.0',
    })
    expect(await last('GUEST_ENRICHED')).toMatchObject({ outcome: 'success', data: { crm: 'found', dropped: [] } })
    expect((await last('guest.authentication'))?.data).toMatchObject({ crm: 'found' })
    expect(await pending()).toEqual([])
  })

  it('is requested while the guest is made', async () => {
    const { guests, upstream, clock } = await started()
    upstream.meets('create', slow(clock, SECOND))
    upstream.meets('crm', slow(clock, SECOND))
    const asked = guests.issue(ann)
    await until(() => upstream.asked.create.length + upstream.asked.crm.length === 2)
    await clock.advance(SECOND)
    expect((await asked).crm).toEqual(CUSTOMER)
  })

  it('is absent when the CRM does not know the customer', async () => {
    const { guests, upstream, connection, enriched, pending, last } = await started()
    upstream.customers.clear()
    const guest = await guests.issue(ann)
    expect(guest.crm).toBeUndefined()
    await enriched(connection)
    expect(upstream.attributes.get(guest.guestId)).toMatchObject({ plan: 'gold', authMethod: 'guest-api' })
    expect((await last('guest.authentication'))?.data).toMatchObject({ crm: 'missing' })
    expect(await pending()).toEqual([])
  })

  it.each([
    ['fails', instead(500)],
    ['answers nonsense', garbled],
    ['answers something else', instead(200, ['x'])],
    ['is gone', dropped('before')],
  ])('is added later when the CRM %s, and the guest is served without it', async (_, answer) => {
    const { guests, upstream, connection, enriched, last, pending, row, clock } = await started()
    upstream.meets('crm', answer)
    const guest = await guests.issue(ann)
    expect([guest.generation, guest.crm]).toEqual([1, undefined])
    await enriched(connection)
    expect(upstream.attributes.get(guest.guestId)).toMatchObject({ plan: 'gold' })
    expect(upstream.attributes.get(guest.guestId)).not.toHaveProperty('tier')
    expect(await last('GUEST_ENRICHMENT_FAILED')).toMatchObject({ outcome: 'failure', data: { crm: 'failed' } })
    expect(await pending()).toMatchObject([{ crm: true, put: false, attempts: 1 }])
    await clock.advance(10 * SECOND)
    await enriched(connection)
    expect(upstream.attributes.get(guest.guestId)).toMatchObject({ plan: 'gold', tier: 'gold' })
    expect(profileIn((await row(guest.guestId))?.profile)['crm']).toEqual(CUSTOMER)
    expect(await pending()).toEqual([])
  })

  it('delays the guest by at most two seconds', async () => {
    const { guests, upstream, clock } = await started()
    upstream.meets('crm', slow(clock, HOUR))
    let served = false
    const asked = guests.issue(ann).then((guest) => ((served = true), guest))
    await until(() => upstream.asked.create.length + upstream.asked.crm.length === 2)
    await clock.advance(1_999)
    expect(served).toBe(false)
    await clock.advance(1)
    expect((await asked).crm).toBeUndefined()
  })

  it('keeps texts and numbers of limited length, and drops the rest', async () => {
    const { guests, upstream } = await started()
    upstream.customers.set(EMAIL, { customerId: 42, tier: { a: 1 }, lastInteraction: 'x'.repeat(300), other: 'y' })
    expect((await guests.issue(ann)).crm).toEqual({ customerId: '42' })
  })

  it('is left out of the attributes and named when there is no room', async () => {
    const { guests, upstream, connection, enriched, last } = await started()
    const guest = await guests.issue({ ...ann, attributes: { note: 'x'.repeat(1_940) } })
    await enriched(connection)
    expect(upstream.attributes.get(guest.guestId)).not.toHaveProperty('lastInteraction')
    expect((await last('GUEST_ENRICHED'))?.data.dropped).toContain('lastInteraction')
  })
})

describe('attributes that the upstream refuses', () => {
  it("are recorded without the upstream's id of the guest", async () => {
    const { guests, upstream, connection, enriched, last } = await started()
    upstream.answers = { guestId: 'guest-7', token: jwt({ sub: 'guest-7', exp: 1_900_000_000 }) }
    upstream.meets('update', instead(404, { code: 'not.found', message: 'no guest guest-7' }))
    await guests.issue(ann)
    await enriched(connection)
    const failed = await last('GUEST_ENRICHMENT_FAILED')
    expect(failed?.outcome).toBe('failure')
    expect(JSON.stringify(failed)).not.toContain('guest-7')
  })

  it('are recorded and sent again later, also by another process', async () => {
    const { guests, upstream, connection, enriched, pending, last, clock, process } = await started()
    upstream.meets('update', instead(503, { message: `no ${EMAIL}` }))
    const guest = await guests.issue(ann)
    await enriched(connection)
    expect(await pending()).toMatchObject([{ put: true, attempts: 1 }])
    expect(await last('GUEST_ENRICHMENT_FAILED')).toMatchObject({ statusCode: 503 })
    await enriched(connection)
    expect(upstream.asked.update).toHaveLength(1)
    const other = await process({ crmUrl })
    const stop = new AbortController()
    const running = other.guests.enrichment.run(stop.signal)
    await clock.advance(MINUTE)
    stop.abort()
    await running
    expect(upstream.attributes.get(guest.guestId)).toMatchObject({ tier: 'gold' })
    expect(await pending()).toEqual([])
  })

  it('are sent by one process at a time, and not right after another process failed', async () => {
    const { guests, upstream, clock, process } = await started()
    upstream.meets('update', async (...asked) => {
      await clock.sleep(9 * SECOND)
      return instead(503)(...asked)
    })
    await guests.issue(ann)
    const other = await process({ crmUrl })
    const stop = new AbortController()
    const running = other.guests.enrichment.run(stop.signal)
    // The other one finds it due, and waits for its turn.
    await clock.advance(12 * SECOND)
    expect(upstream.asked.update).toHaveLength(1)
    await clock.advance(MINUTE)
    expect(upstream.asked.update).toHaveLength(2)
    stop.abort()
    await running
  })

  it('are reported by the worker, with the missing CRM profile, until they are sent', async () => {
    const { guests, upstream, clock, process } = await started()
    upstream.always('update', instead(503))
    await guests.issue(ann)
    await settle()
    const observed = recordingObserver()
    const stop = new AbortController()
    const other = await process({ crmUrl })
    const running = other.guests.enrichment.run(stop.signal, observed.observer)
    await clock.advance(SECOND)
    expect(observed.calls).toEqual(['succeeded', 'succeeded'])
    await clock.advance(10 * SECOND)
    expect(observed.last()).toBe('upstream_unavailable')
    upstream.always('update', undefined)
    await clock.advance(MINUTE)
    expect(observed.last()).toBe('succeeded')
    stop.abort()
    await running
  })

  it('are sent once for each guest by processes that share the work', async () => {
    const { guests, upstream, clock, process, pending } = await started()
    upstream.always('update', instead(503))
    for (let nth = 0; nth < 25; nth += 1) await guests.issue({ ...ann, email: `guest-${nth}@mail.example` })
    await settle()
    upstream.always('update', undefined)
    const before = upstream.asked.update.length
    const stop = new AbortController()
    const others = await Promise.all([process({ crmUrl }), process({ crmUrl })])
    const running = others.map((one) => one.guests.enrichment.run(stop.signal))
    await clock.advance(MINUTE)
    expect([before, upstream.asked.update.length - before]).toEqual([25, 25])
    stop.abort()
    await Promise.all(running)
    expect(await pending()).toEqual([])
  })

  it('are sent again at once when a clock that was ahead delayed them', async () => {
    const { guests, upstream, connection, enriched, clock } = await started()
    clock.stepWall(HOUR)
    upstream.meets('update', instead(503))
    await guests.issue(ann)
    await enriched(connection)
    clock.stepWall(-HOUR)
    await enriched(connection)
    expect(upstream.asked.update).toHaveLength(2)
  })

  it('are dropped with an erased guest', async () => {
    const { guests, upstream, connection, enriched, pending, clock } = await started()
    upstream.meets('update', instead(503))
    const guest = await guests.issue(ann)
    await enriched(connection)
    await guests.erase(guest.guestId)
    expect(await pending()).toEqual([])
    await clock.advance(MINUTE)
    await enriched(connection)
    expect(upstream.asked.update).toHaveLength(1)
  })

  it('are not sent for a guest that ended meanwhile', async () => {
    const { guests, upstream, connection, enriched, pending, clock } = await started()
    upstream.meets('update', instead(503))
    const guest = await guests.issue(ann)
    await enriched(connection)
    await guests.revoke(guest.guestId)
    await clock.advance(MINUTE)
    await enriched(connection)
    expect([upstream.asked.update.length, await pending()]).toEqual([1, []])
  })
})

describe('a channel', () => {
  it('is read before a create, at most once in ten minutes', async () => {
    const { guests, upstream, clock } = await started()
    await Promise.all(['a', 'b', 'c'].map((who) => guests.issue({ ...ann, email: `${who}@mail.example` })))
    expect(upstream.asked.channel).toHaveLength(1)
    expect(upstream.asked.channel[0]?.url).toContain('/api/v2/journey/actions/channels/web-1')
    await clock.advance(9 * MINUTE)
    await guests.issue({ ...ann, email: 'd@mail.example' })
    expect(upstream.asked.channel).toHaveLength(1)
    await clock.advance(MINUTE)
    await guests.issue({ ...ann, email: 'e@mail.example' })
    expect(upstream.asked.channel).toHaveLength(2)
  })

  it.each([
    [404, 'not.found', 'channel'],
    [403, 'channel.disabled', 'channel'],
    [403, 'app.not.authorized.for.scope', 'scope'],
    [403, 'not.authorized', 'organisation'],
  ])('is unavailable after %i %s, for the reason %s, and no guest is made', async (status, code, reason) => {
    const { guests, upstream, last, recorded } = await started()
    upstream.always('channel', instead(status, { code }))
    const error = await refusal(guests.issue(ann))
    expect(error).toMatchObject({ code: 'channel_unavailable', reason, upstream: { status } })
    expect(error.message).toMatch(new RegExp(`The ${reason} is the cause`))
    expect(error.message.split('Add it to the OAuth client').length).toBe(reason === 'scope' ? 2 : 1)
    expect(upstream.asked.create).toHaveLength(0)
    expect(await recorded()).toEqual(['guest.authentication'])
    expect(await last('guest.authentication')).toMatchObject({ outcome: 'failure', error: { reason } })
    upstream.always('channel', undefined)
    expect((await guests.issue(ann)).generation).toBe(1)
  })

  it('does not stop a create when it cannot be read now', async () => {
    const { guests, upstream, last } = await started()
    upstream.always('channel', instead(503))
    expect((await guests.issue(ann)).generation).toBe(1)
    expect((await last('guest.authentication'))?.data).toMatchObject({ preflight: 'unknown' })
  })

  it('is read only after a 403 with the option on-403', async () => {
    const { guests, upstream } = await started({ preflight: 'on-403' })
    await guests.issue(ann)
    expect(upstream.asked.channel).toHaveLength(0)
    upstream.meets('create', instead(403, { code: 'not.authorized' }), instead(403, { code: 'no.scope' }))
    upstream.always('channel', instead(404))
    const other = { ...ann, channelId: 'web-2' }
    expect(await refusal(guests.issue(other))).toMatchObject({ code: 'channel_unavailable', reason: 'channel' })
    expect(await refusal(guests.issue(other))).toMatchObject({ code: 'channel_unavailable', reason: 'scope' })
    expect(upstream.asked.channel).toHaveLength(1)
  })

  it('is never read with the option off', async () => {
    const { guests, upstream } = await started({ preflight: 'off' })
    upstream.meets('create', instead(403, { code: 'not.authorized' }))
    expect((await refusal(guests.issue(ann))).code).toBe('access_denied')
    expect(upstream.asked.channel).toHaveLength(0)
  })
})

describe('a guest that is erased', () => {
  it('leaves no address, name or token, and its former subject leads to no row', async () => {
    const { guests, connection, row, store, events, last, upstream } = await started()
    const guest = await guests.issue(ann)
    await settle()
    const subject = (await row(guest.guestId))?.subject ?? ''
    const { upstream: there, local, upstreamValidUntil, remains } = await guests.erase(guest.guestId)
    expect([there, local, upstreamValidUntil]).toEqual(['unsupported', 'done', guest.expiresAt])
    expect(remains.join()).toMatch(/Genesys.*CRM/)
    const left = await row(guest.guestId)
    expect(left).toMatchObject({ status: 'erased', generation: 2 })
    expect([left?.profile, left?.tokens, left?.request]).toEqual([undefined, undefined, undefined])
    expect(left?.subject).not.toBe(subject)
    expect(await store.findBySubject('default', subject)).toBeUndefined()
    for (const kind of ['duplicate', 'enrichment']) {
      expect((await store.documents('default', { kind, limit: 9 })).documents).toEqual([])
    }
    expect(await last('GUEST_ERASED')).toMatchObject({ subject, outcome: 'success' })
    expectNothingPersonal(left, await events())
    expect(await connection.verifier.verify(guest.token.reveal())).toEqual({ valid: false, reason: 'revoked' })
    expect(upstream.asked.create).toHaveLength(1)
  })

  it('is refused by every call, and a second erasure changes nothing', async () => {
    const { guests, recorded } = await started()
    const { guestId } = await guests.issue(ann)
    const first = await guests.erase(guestId)
    const before = await recorded()
    expect(await guests.erase(guestId)).toEqual(first)
    expect((await guests.revoke(guestId)).local).toBe('done')
    expect(await recorded()).toEqual(before)
    for (const ask of [guests.token(guestId), guests.refresh(guestId)]) {
      expect(await refusal(ask)).toMatchObject({ code: 'guest_revoked' })
    }
    expect((await guests.show(guestId)).status).toBe('erased')
  })

  it('may be made again with a new consent, under a new subject', async () => {
    const { guests, upstream } = await started()
    const first = await guests.issue(ann)
    await guests.erase(first.guestId)
    upstream.lapse()
    const next = await guests.issue(verified)
    expect([next.guestId === first.guestId, next.generation]).toEqual([false, 1])
  })

  it('stays erased when the upstream gives its id again, and no caller gets that token', async () => {
    const { guests, upstream, row } = await started()
    const first = await guests.issue(ann)
    await guests.erase(first.guestId)
    upstream.lapse()
    upstream.answers = { guestId: first.guestId }
    upstream.says = { sub: first.guestId }
    expect((await refusal(guests.issue(ann))).code).toBe('guest_revoked')
    expect((await row(first.guestId))?.status).toBe('erased')
  })

  it('may be of any API, or revoked before', async () => {
    const { guests, row } = await started()
    const { guestId } = await guests.issue(ann)
    await guests.revoke(guestId)
    expect((await row(guestId))?.profile).toBeDefined()
    await guests.erase(guestId)
    expect((await row(guestId))?.profile).toBeUndefined()
  })
})
