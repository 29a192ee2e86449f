import { describe, expect, it } from 'vitest'
import { profileIn } from '../../../src/domain/profile.ts'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { settle } from '../../../src/testing/index.ts'
import { strangerKey, jwt, json } from '../../world/fake-upstream.ts'
import { dropped, instead, slow } from '../../world/scripted-answers.ts'
import { garbled } from '../../world/applicant-upstream.ts'
import {
  ann,
  EMAIL,
  expectNothingPersonal,
  applicantWorld,
  replace,
  reuse,
  until,
  verified,
} from '../../world/applicant-world.ts'
import { outcome, advanceUntil, refusal } from '../../world/world.ts'

async function started(options: Parameters<ReturnType<typeof applicantWorld>['process']>[0] = {}) {
  const here = applicantWorld()
  const connection = await here.process(options)
  return { ...here, connection, guests: connection.guests, creates: () => here.upstream.asked.create.length }
}

describe('an authenticated guest', () => {
  it('is made once, verified and stored with what is known of the person', async () => {
    const { guests, upstream, clock, row, connection } = await started()
    const guest = await guests.issue(ann)
    expect(guest).toMatchObject({ api: 'engagements', channelId: 'web-1', generation: 1, verified: true })
    expect(guest.expiresAt).toBe(clock.wall() + HOUR)
    const sent = upstream.asked.create[0]
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      email: EMAIL,
      consent: true,
      channelId: 'web-1',
      name: 'Ann Example',
      attributes: { plan: 'gold' },
    })
    expect(sent?.headers['x-genesys-request-id']).toMatch(/^[\da-f-]{36}$/)
    const stored = await row(guest.guestId)
    expect(stored?.tokens?.refresh?.reveal()).toBe(`refresh-${guest.guestId}-0`)
    expect(profileIn(stored?.profile)).toMatchObject({
      email: EMAIL,
      name: 'Ann Example',
      attributes: { plan: 'gold' },
    })
    expect(stored?.request).toEqual({
      assurance: 'claimed',
      channelId: 'web-1',
      consentTimestamp: '2026-01-01T00:00:00.000Z',
    })
    expect(await connection.verifier.verify(guest.token.reveal(), { subject: guest.guestId })).toMatchObject({
      valid: true,
    })
  })

  it('is recorded in events without personal data, with computed flags', async () => {
    const { guests, events, last, row } = await started()
    const guest = await guests.issue(ann, { correlationId: 'request-1' })
    const done = await last('guest.authentication')
    expect(done).toMatchObject({
      outcome: 'success',
      generation: 1,
      statusCode: 201,
      correlationId: 'request-1',
      subject: (await row(guest.guestId))?.subject,
      data: {
        api: 'engagements',
        channelId: 'web-1',
        assurance: 'claimed',
        verified: true,
        crm: 'off',
        preflight: 'usable',
        tokenExpiry: new Date(guest.expiresAt).toISOString(),
        consent: true,
        complianceFlags: {
          gdprConsentRecorded: true,
          dataMinimizationApplied: true,
          auditTrailGenerated: true,
        },
      },
    })
    const all = await events()
    expectNothingPersonal(all, guest, guests)
    expect(JSON.stringify(all)).not.toContain(guest.guestId)
  })

  it('is flagged as not minimal if its attributes contain the address', async () => {
    const { guests, last } = await started()
    await guests.issue({ ...ann, attributes: { contact: `mailto:${EMAIL}` } })
    expect((await last('guest.authentication'))?.data).toMatchObject({
      complianceFlags: { dataMinimizationApplied: false },
    })
  })

  it('is made once for fifty concurrent requests, however the address is written', async () => {
    const { guests, creates, recorded, upstream, clock } = await started()
    upstream.meets('create', slow(clock, SECOND))
    const spellings = [EMAIL, EMAIL.toUpperCase(), `  ${EMAIL} `, `\t${EMAIL.replace('ann', 'ANN')}\n`]
    const asked = Array.from({ length: 50 }, (_, nth) =>
      outcome(guests.issue({ ...ann, email: spellings[nth % 4] ?? '' })),
    )
    await until(() => creates() > 0)
    await settle()
    const all = await advanceUntil(clock, Promise.all(asked))
    expect(creates()).toBe(1)
    expect(all.filter((one) => one === 'session_exists')).toHaveLength(49)
    expect((await recorded()).filter((type) => type === 'GUEST_CREATE_INITIATED')).toHaveLength(1)
  })

  it('is made once by two processes', async () => {
    const here = await started()
    const other = await here.process()
    here.upstream.meets('create', slow(here.clock, SECOND))
    const both = [here.guests.issue(ann), other.guests.issue(ann)].map(outcome)
    await until(() => here.creates() === 1 && here.clock.sleeping >= 4)
    const said = await advanceUntil(here.clock, Promise.all(both))
    expect(said.filter((one) => one === 'session_exists')).toHaveLength(1)
    expect(here.creates()).toBe(1)
  })

  it('is made once by two processes without a lease', async () => {
    const here = await started()
    const store = { ...here.store, lease: async () => ({ granted: true, endsInMs: 5 * SECOND }) }
    const [one, two] = [await here.process({}, { store }), await here.process({}, { store })]
    here.upstream.always('channel', slow(here.clock, SECOND))
    const asked = [one, two].map(({ guests }) => outcome(guests.issue(ann)))
    // Both have read that there is no guest before the first writes.
    await until(() => here.upstream.asked.channel.length === 2)
    const said = await advanceUntil(here.clock, Promise.all(asked))
    const [first, ...more] = (await here.events()).filter(({ type }) => type === 'GUEST_CREATE_INITIATED')
    expect(first?.data).toMatchObject({ resumes: false })
    for (const { data } of more) expect(data).toMatchObject({ resumes: true })
    expect(said.filter((code) => code.includes('.'))).toHaveLength(1)
    const { credentials } = await here.store.list('default', { kind: 'guest', limit: 9 })
    expect(credentials).toHaveLength(1)
  })

  it('keeps its caller when the answer to a concurrent request was lost', async () => {
    const here = await started()
    const store = { ...here.store, lease: async () => ({ granted: true, endsInMs: 5 * SECOND }) }
    const [one, two] = [await here.process({}, { store }), await here.process({}, { store })]
    here.upstream.meets('create', async (work) => {
      await here.clock.sleep(SECOND)
      return dropped('before')(work, {} as never, {} as never)
    })
    const late = refusal(one.guests.issue(ann))
    await until(() => here.creates() === 1)
    const { guestId } = await two.guests.issue(ann)
    await here.clock.advance(SECOND)
    expect((await late).code).toBe('create_in_doubt')
    const { documents } = await here.store.documents('default', { kind: 'duplicate', limit: 9 })
    expect(documents.map(({ value }) => value)).toEqual([{ state: 'live', guestId }])
  })

  it('is another one on another channel or for another person', async () => {
    const { guests, creates } = await started()
    const one = await guests.issue(ann)
    const two = await guests.issue({ ...ann, channelId: 'web-2' })
    const three = await guests.issue({ ...ann, email: 'bob@mail.example' })
    expect(new Set([one, two, three].map(({ guestId }) => guestId)).size).toBe(3)
    expect(creates()).toBe(3)
  })

  it('has an unverified token if tokens are opaque by configuration', async () => {
    const { guests, upstream, clock } = await started({ tokenFormat: { engagements: 'opaque' } })
    upstream.answers = { token: 'an-opaque-token', expiresIn: 600 }
    expect(await guests.issue(ann)).toMatchObject({ verified: false, expiresAt: clock.wall() + 10 * MINUTE })
  })

  it('needs an access token with its scopes, and the error names a missing one', async () => {
    const { guests, upstream, creates } = await started()
    upstream.scopes = 'guest:read'
    const error = await refusal(guests.issue(ann))
    expect(error.code).toBe('scope_missing')
    expect(error.message).toContain('guest:write')
    expect(new URLSearchParams(upstream.asked.token[0]?.body).get('scope')).toBe('guest:write guest:read')
    expect(creates()).toBe(0)
  })

  it('is not requested while tokens cannot be verified', async () => {
    const here = applicantWorld()
    const connection = await here.process({ publicKey: undefined } as never)
    const error = await refusal(connection.guests.issue(ann))
    expect(error.code).toBe('keys_unavailable')
    expect(here.upstream.asked.create).toHaveLength(0)
  })
})

describe('a person who has a session', () => {
  it('is refused without the guest id by default, also if the address is verified', async () => {
    const { guests, creates, last } = await started()
    const { guestId } = await guests.issue(ann)
    for (const again of [ann, verified]) {
      const error = await refusal(guests.issue(again))
      expect(error.code).toBe('session_exists')
      expect(JSON.stringify(error.toProblem())).not.toContain(guestId)
    }
    expect(creates()).toBe(1)
    expect(await last('guest.authentication')).toMatchObject({ outcome: 'failure', error: { code: 'session_exists' } })
  })

  it('gets it on reuse if the address is verified, and never if it is claimed', async () => {
    const { guests, creates, last, process } = await started()
    const first = await guests.issue(ann)
    const again = await guests.issue(reuse)
    expect([again.guestId, again.token.reveal(), again.channelId]).toEqual([
      first.guestId,
      first.token.reveal(),
      'web-1',
    ])
    expect((await last('guest.authentication'))?.data).toMatchObject({
      reused: true,
      complianceFlags: { auditTrailGenerated: true },
    })
    const reusing = await process({ onDuplicate: 'reuse' })
    expect((await refusal(reusing.guests.issue(ann))).code).toBe('session_exists')
    expect((await reusing.guests.issue(verified)).guestId).toBe(first.guestId)
    expect(creates()).toBe(1)
  })

  it('gets a renewed token on reuse when it is due', async () => {
    const { guests, clock } = await started()
    await guests.issue(ann)
    await clock.advance(HOUR - SECOND)
    expect((await guests.issue(reuse)).generation).toBe(2)
  })

  it('gets another on replace, and the former one is revoked', async () => {
    const { guests, upstream, connection, clock } = await started()
    const first = await guests.issue(ann)
    await clock.advance(SECOND)
    upstream.lapse()
    const next = await guests.issue(replace)
    expect(next.guestId).not.toBe(first.guestId)
    expect(await connection.verifier.verify(first.token.reveal())).toEqual({ valid: false, reason: 'revoked' })
    expect(await connection.verifier.verify(next.token.reveal())).toMatchObject({ valid: true })
    expect((await refusal(guests.token(first.guestId))).code).toBe('guest_revoked')
    expect((await refusal(guests.issue(ann))).code).toBe('session_exists')
  })

  it('gets the next tokens on replace if the upstream keeps the session, and the former ones are revoked', async () => {
    const { guests, connection, creates, upstream, last } = await started()
    const first = await guests.issue(ann)
    const next = await guests.issue(replace)
    expect([next.guestId, next.generation, creates(), upstream.asked.refresh.length]).toEqual([first.guestId, 2, 2, 1])
    expect(await connection.verifier.verify(first.token.reveal())).toEqual({ valid: false, reason: 'revoked' })
    expect(await connection.verifier.verify(next.token.reveal())).toMatchObject({ valid: true })
    expect((await last('guest.authentication'))?.data).toMatchObject({ recovered: true })
  })

  it('gets another when the session can no longer be renewed', async () => {
    const { guests, clock, creates } = await started()
    const first = await guests.issue(ann)
    await clock.advance(HOUR + 4 * MINUTE)
    expect((await refusal(guests.issue(ann))).code).toBe('session_exists')
    await clock.advance(MINUTE)
    expect((await guests.issue(ann)).guestId).not.toBe(first.guestId)
    expect(creates()).toBe(2)
  })

  it('gets another when the guest was revoked', async () => {
    const { guests, upstream } = await started()
    const first = await guests.issue(ann)
    await guests.revoke(first.guestId)
    upstream.lapse()
    expect((await guests.issue(ann)).guestId).not.toBe(first.guestId)
  })

  it('gets another after invalidate for that address and channel', async () => {
    const { guests, upstream, last } = await started()
    const first = await guests.issue(ann)
    expect(await guests.invalidate({ email: EMAIL, channelId: 'web-2' })).toEqual({ freed: false })
    expect(await guests.invalidate({ email: ` ${EMAIL.toUpperCase()}`, channelId: 'web-1' })).toEqual({
      freed: true,
      guestId: first.guestId,
    })
    expect((await last('GUEST_INVALIDATED'))?.outcome).toBe('success')
    expect(await guests.invalidate({ email: EMAIL, channelId: 'web-1' })).toEqual({ freed: false })
    upstream.lapse()
    expect((await guests.issue(ann)).guestId).not.toBe(first.guestId)
  })

  it('gets the session recovered after invalidate if the upstream keeps it and the address is verified', async () => {
    const { guests, upstream } = await started()
    const first = await guests.issue(ann)
    await guests.invalidate({ email: EMAIL, channelId: 'web-1' })
    expect((await refusal(guests.issue(ann))).code).toBe('session_exists')
    expect(upstream.asked.refresh).toHaveLength(0)
    expect(await guests.issue(verified)).toMatchObject({ guestId: first.guestId, generation: 2 })
  })
})

describe('a create', () => {
  it('is in doubt when its answer was lost, and resumed by the next request', async () => {
    const { guests, upstream, creates, recorded } = await started()
    upstream.meets('create', dropped('before'))
    const error = await refusal(guests.issue(ann))
    expect([error.code, error.retryable]).toEqual(['create_in_doubt', true])
    expect(await recorded()).toEqual(['GUEST_CREATE_INITIATED', 'GUEST_CREATE_IN_DOUBT', 'guest.authentication'])
    expect((await guests.issue(ann)).generation).toBe(1)
    expect(creates()).toBe(2)
  })

  it.each([
    ['lost', dropped('after')],
    ['unreadable', garbled],
    ['a gateway error', (work: () => unknown) => (work(), json(502, 'bad gateway'))],
  ])('leaves a recorded orphan when it took effect with its answer %s', async (_, answer) => {
    const { guests, upstream, creates, recorded } = await started()
    upstream.meets('create', answer)
    expect((await refusal(guests.issue(ann))).code).toBe('create_in_doubt')
    const error = await refusal(guests.issue(verified))
    expect(error.code).toBe('guest_orphaned')
    expect(error.message).toContain('Wait until the session expires upstream')
    expect((await refusal(guests.issue(ann))).code).toBe('guest_orphaned')
    expect((await recorded()).filter((type) => type === 'GUEST_ORPHANED')).toHaveLength(1)
    expect(creates()).toBe(3)
    upstream.lapse()
    expect((await guests.issue(ann)).generation).toBe(1)
  })

  it('is recovered by the former refresh token after it replaced a guest', async () => {
    const { guests, upstream } = await started()
    const first = await guests.issue(ann)
    upstream.meets('create', dropped('before'))
    expect((await refusal(guests.issue(replace))).code).toBe('create_in_doubt')
    expect(await guests.issue(verified)).toMatchObject({ guestId: first.guestId, generation: 2 })
  })

  it('is repeated only when it cannot have taken effect', async () => {
    const { guests, upstream, creates, clock } = await started({
      policy: { retry: { retries: 3 }, breaker: { atLeast: 99 } },
    })
    upstream.meets('create', instead(503), instead(429, {}, { 'retry-after': '1' }))
    const asked = guests.issue(ann)
    await until(() => creates() === 2)
    await clock.advance(10 * SECOND)
    expect((await asked).generation).toBe(1)
    expect(creates()).toBe(3)
    upstream.meets('create', dropped('before'))
    expect((await refusal(guests.issue({ ...ann, channelId: 'web-2' }))).code).toBe('create_in_doubt')
    expect(creates()).toBe(4)
  })

  it('is in doubt when it is not answered in time', async () => {
    const { guests, upstream, clock } = await started()
    upstream.meets('create', slow(clock, 11 * SECOND))
    const asked = refusal(guests.issue(ann))
    await until(() => upstream.asked.create.length === 1)
    await clock.advance(12 * SECOND)
    expect((await asked).code).toBe('create_in_doubt')
  })

  it('frees the address when it is refused', async () => {
    const { guests, upstream, creates } = await started()
    upstream.meets('create', instead(400, { code: 'invalid.value', message: `no ${EMAIL}` }))
    const error = await refusal(guests.issue(ann))
    expect(error.code).toBe('upstream_rejected')
    expectNothingPersonal(error, error.toProblem())
    expect((await guests.issue(ann)).generation).toBe(1)
    expect(creates()).toBe(2)
  })

  it('stays in doubt while the upstream is unreachable', async () => {
    const { guests, upstream, store, clock } = await started()
    upstream.meets('create', dropped('after'), instead(429, {}, { 'retry-after': '60' }))
    await refusal(guests.issue(ann))
    expect((await refusal(guests.issue(ann))).code).toBe('upstream_busy')
    const { documents } = await store.documents('default', { kind: 'duplicate', limit: 9 })
    expect(documents.map(({ value }) => value)).toMatchObject([{ state: 'in_doubt' }])
    await clock.advance(MINUTE)
    expect((await refusal(guests.issue(ann))).code).toBe('guest_orphaned')
  })

  it('is refused as a duplicate when the upstream has a session of unknown origin', async () => {
    const { guests, upstream } = await started()
    upstream.always('create', instead(409, { code: 'conflict' }))
    expect(await refusal(guests.issue(ann))).toMatchObject({ code: 'session_exists', upstream: { status: 409 } })
    expect((await refusal(guests.issue(reuse))).code).toBe('guest_orphaned')
  })

  it('is resumed by another process after its own ended', async () => {
    const here = await started()
    const { key } = await claimedByTheDead(here)
    const other = await here.process()
    const asked = other.guests.issue(ann)
    await until(() => here.clock.sleeping > 0)
    await here.clock.advance(SECOND)
    expect(here.creates()).toBe(0)
    await here.clock.advance(6 * SECOND)
    expect((await asked).generation).toBe(1)
    expect((await here.last('GUEST_CREATE_INITIATED'))?.data).toMatchObject({ resumes: true })
    expect((await here.store.document('default', 'duplicate', key)).value).toMatchObject({ state: 'live' })
  })

  it('drops a token that does not verify, and leaves an orphan', async () => {
    const { guests, upstream, store, recorded, events } = await started()
    const guestId = '6f9619ff-8b86-4d11-b42d-00c04fc964ff'
    upstream.answers = { guestId, token: jwt({ sub: guestId, exp: 1_900_000_000 }, strangerKey) }
    const error = await refusal(guests.issue(ann))
    expect(error).toMatchObject({ code: 'token_refused', reason: 'signature' })
    expect((await store.list('default', { kind: 'guest', limit: 9 })).credentials).toEqual([])
    expect(await recorded()).toEqual(['GUEST_CREATE_INITIATED', 'GUEST_ORPHANED', 'guest.authentication'])
    expect(JSON.stringify(await events())).not.toContain(guestId)
    expect((await refusal(guests.issue(ann))).code).toBe('guest_orphaned')
  })

  it('continues when its caller cancels, and serves the next', async () => {
    const { guests, upstream, clock, creates } = await started()
    upstream.meets('create', slow(clock, SECOND))
    const stop = new AbortController()
    const asked = guests.issue(ann, { signal: stop.signal })
    await until(() => creates() === 1)
    stop.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    await clock.advance(SECOND)
    expect((await guests.issue(reuse)).generation).toBe(1)
    expect(creates()).toBe(1)
  })

  it('continues when the patience of any caller ends, and serves the next', async () => {
    const { guests, upstream, clock, creates } = await started()
    upstream.meets('create', slow(clock, 5 * SECOND))
    const all = [refusal(guests.issue(ann, { patienceMs: SECOND })), refusal(guests.issue(ann, { patienceMs: SECOND }))]
    await until(() => creates() === 1)
    await clock.advance(SECOND)
    expect((await Promise.all(all)).map(({ code }) => code)).toEqual(['deadline_exceeded', 'deadline_exceeded'])
    await clock.advance(5 * SECOND)
    expect((await guests.issue(reuse)).generation).toBe(1)
    expect(creates()).toBe(1)
  })

  it('is not sent when its caller cancelled while the channel was read', async () => {
    const { guests, upstream, clock, creates } = await started()
    upstream.meets('channel', slow(clock, SECOND))
    const stop = new AbortController()
    const asked = guests.issue(ann, { signal: stop.signal })
    await until(() => upstream.asked.channel.length === 1)
    stop.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    await clock.advance(SECOND)
    await settle()
    expect(creates()).toBe(0)
  })

  it('is not sent when its caller cancelled while it waited for others', async () => {
    const { guests, upstream, clock, creates } = await started()
    upstream.meets('create', async () => {
      await clock.sleep(SECOND)
      return json(400, {})
    })
    const first = refusal(guests.issue(ann))
    await until(() => creates() === 1)
    const stop = new AbortController()
    const second = guests.issue(ann, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
    await clock.advance(SECOND)
    expect((await first).code).toBe('upstream_rejected')
    await settle()
    expect(creates()).toBe(1)
  })
})

/** A key whose creator wrote it down and died, its lease still status. */
async function claimedByTheDead(here: Awaited<ReturnType<typeof started>>): Promise<{ readonly key: string }> {
  await here.guests.invalidate({ email: EMAIL, channelId: 'web-1' })
  await here.guests.issue(ann)
  const [document] = (await here.store.documents('default', { kind: 'duplicate', limit: 9 })).documents
  const key = document?.id ?? ''
  here.upstream.asked.create.length = 0
  here.upstream.lapse()
  const value = { state: 'creating', requestId: 'r', holder: 'dead' }
  await here.store.commit({
    connection: 'default',
    documents: [{ kind: 'duplicate', id: key, value, expect: { revision: document?.revision ?? 0 } }],
  })
  await here.store.lease('default', `guest:${key}`, 'dead', 5 * SECOND)
  return { key }
}

describe('a request that gets the session of an earlier one', () => {
  const more = { name: 'Ann B', attributes: { plan: 'platinum', seat: 7 } }

  /** What upstream was given last for the guest, and what is stored of the person. */
  async function known(here: Awaited<ReturnType<typeof started>>, guestId: string) {
    await here.enriched(here.connection)
    const stored = await here.row(guestId)
    return {
      given: here.upstream.attributes.get(guestId),
      profile: profileIn(stored?.profile),
      consent: stored?.request?.consentTimestamp,
    }
  }

  it.each([
    ['reuse', reuse],
    ['replace, where upstream holds on to it,', replace],
  ])('adds its attributes, name and time of consent by %s', async (_, request) => {
    const here = await started()
    const { guestId } = await here.guests.issue({ ...ann, attributes: { plan: 'gold', lang: 'de' } })
    await here.enriched(here.connection)
    await here.clock.advance(MINUTE)
    expect((await here.guests.issue({ ...request, ...more })).guestId).toBe(guestId)
    const { given, profile, consent } = await known(here, guestId)
    expect(profile).toMatchObject({ name: 'Ann B', attributes: { plan: 'platinum', seat: 7, lang: 'de' } })
    expect(consent).toBe('2026-01-01T00:01:00.000Z')
    expect(given).toMatchObject({ plan: 'platinum', seat: 7, lang: 'de', consentTimestamp: '2026-01-01T00:01:00.000Z' })
    expect(JSON.stringify(await here.events())).not.toContain('platinum')
  })

  it('adds what the CRM says after invalidate', async () => {
    const here = await started({ crmUrl: 'https://crm.example.com' })
    const { guestId } = await here.guests.issue(ann)
    await here.guests.invalidate({ email: EMAIL, channelId: 'web-1' })
    here.upstream.customers.set(EMAIL, { tier: 'silver' })
    const again = await here.guests.issue({ ...verified, ...more })
    expect([again.guestId, again.crm]).toEqual([guestId, { tier: 'silver' }])
    expect((await known(here, guestId)).given).toMatchObject({ plan: 'platinum', tier: 'silver' })
  })

  it('keeps all its own attributes, however many the guest had', async () => {
    const here = await started()
    const { guestId } = await here.guests.issue({ ...ann, attributes: { old: 'x'.repeat(1_500), lang: 'de' } })
    await here.guests.issue({ ...reuse, attributes: { new: 'y'.repeat(1_500) } })
    expect((await known(here, guestId)).profile['attributes']).toEqual({ new: 'y'.repeat(1_500), lang: 'de' })
  })
})

it('gives all events of a call the same actor and correlation id', async () => {
  const { guests, events } = await started()
  const context = { actor: 'shop', correlationId: 'request-7' }
  const { guestId } = await guests.issue(ann, context)
  await guests.refresh(guestId, {}, context)
  await guests.revoke(guestId, context)
  await guests.erase(guestId, context)
  await guests.invalidate({ email: EMAIL, channelId: 'web-2' }, context)
  const ours = (await events()).filter(({ type }) => !/^ACCESS_|ENRICH/.test(type))
  expect(ours.length).toBeGreaterThan(5)
  for (const event of ours) expect(event).toMatchObject(context)
})

it('keeps attributes that the upstream repeats out of every error', async () => {
  const here = await started()
  const { guests } = here
  const attributes = { diagnosis: 'diabetes "type" two', of: { phone: ['555 0199'] } }
  here.upstream.meets('create', (_, { body = '' }) => json(400, { code: 'bad.request', message: `not taken: ${body}` }))
  here.upstream.always('update', (_, { body = '' }) =>
    json(400, { code: 'bad.request', message: `not taken: ${body}` }),
  )
  const error = await refusal(guests.issue({ ...ann, attributes }))
  expect(error.message).toContain('[removed]')
  await guests.issue({ ...ann, attributes })
  await guests.enrichment.drain(new AbortController().signal)
  const texts = JSON.stringify([error.message, await here.events()])
  expect(texts).toContain('GUEST_ENRICHMENT_FAILED')
  expect(texts).not.toMatch(/diabetes|555 0199/)
})
