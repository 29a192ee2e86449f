import { describe, expect, it } from 'vitest'
import type { JournalEntry, Sandbox } from '../../src/index.ts'
import {
  accessToken,
  askToken,
  basic,
  claims,
  control,
  failureCode,
  type Reply,
  START,
  startSandbox,
  verifiedClaims,
} from '../genesys-client.ts'
import { EMAIL, createGuest, get, GUESTS, refusalCode, updateGuest, refreshGuest } from '../guest-client.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const last = (sandbox: Sandbox): JournalEntry => sandbox.journal().at(-1) ?? expect.fail('the journal is empty')
const refreshTokenOf = ({ json }: Reply): string => String(json['refreshToken'])

describe('a guest who is authenticated', () => {
  it('gets a token that is signed for the guest, and a refresh token', async () => {
    const sandbox = await startSandbox()
    const { status, json } = await createGuest(sandbox, { name: 'Ann', attributes: { basket: 3 } })
    expect(status).toBe(201)
    expect(json).toEqual({
      guestId: expect.stringMatching(UUID),
      token: expect.any(String),
      expiresIn: 3600,
      refreshToken: expect.stringMatching(/^sandbox-secret-[\w-]{43}$/),
      email: EMAIL,
      consent: true,
      channelId: sandbox.channelId,
      createdDate: '2026-01-01T00:00:00.000Z',
    })
    expect(await verifiedClaims(sandbox, json['token'])).toMatchObject({
      iss: sandbox.url,
      sub: json['guestId'],
      org: claims(await accessToken(sandbox))['org'],
      scope: expect.arrayContaining(['webmessaging:guest:send', 'webmessaging:guest:read']),
      exp: START / 1000 + 3600,
    })
  })

  it('can be read, and its attributes can be replaced', async () => {
    const sandbox = await startSandbox()
    const token = await accessToken(sandbox)
    const { json } = await createGuest(sandbox, { name: 'Ann', attributes: { basket: 3 } })
    const path = `${GUESTS}/${String(json['guestId'])}`
    const seen = await get(sandbox, path, token)
    expect(seen.json).toEqual({
      guestId: json['guestId'],
      email: EMAIL,
      name: 'Ann',
      consent: true,
      channelId: sandbox.channelId,
      attributes: { basket: 3 },
      createdDate: '2026-01-01T00:00:00.000Z',
      updatedDate: '2026-01-01T00:00:00.000Z',
      selfUri: path,
    })
    sandbox.advance(1000)
    const changed = await updateGuest(sandbox, json['guestId'], { attributes: { tier: 'gold' } }, token)
    expect([changed.status, changed.json['attributes'], changed.json['updatedDate']]).toEqual([
      200,
      { tier: 'gold' },
      '2026-01-01T00:00:01.000Z',
    ])
    expect((await get(sandbox, path, token)).json).toEqual(changed.json)
  })

  it('accepts attributes of 2048 bytes of JSON, and no more', async () => {
    const sandbox = await startSandbox()
    const token = await accessToken(sandbox)
    const of = (bytes: number) => ({ a: 'é'.repeat((bytes - '{"a":""}'.length) / 2) })
    const { json } = await createGuest(sandbox, { attributes: of(2048) })
    expect(await updateGuest(sandbox, json['guestId'], { attributes: of(2048) }, token)).toMatchObject({ status: 200 })
    const over = [
      await updateGuest(sandbox, json['guestId'], { attributes: of(2050) }, token),
      await createGuest(sandbox, { email: 'b@b.example', attributes: of(2050) }),
    ]
    for (const reply of over) {
      expect([reply.status, reply.json['details']]).toMatchObject([400, [{ fieldName: 'attributes' }]])
    }
  })

  it('is not found under an unknown id, and refused to another organization', async () => {
    const sandbox = await startSandbox({ clients: [{ id: 'neighbour', secret: 's', organization: 'Next door' }] })
    const own = await accessToken(sandbox)
    const theirs = String(
      (await askToken(sandbox, {}, { authorization: basic('neighbour', 's') })).json['access_token'],
    )
    const made = await createGuest(sandbox)
    const path = `${GUESTS}/${String(made.json['guestId'])}`
    expect(refusalCode(await get(sandbox, `${GUESTS}/${crypto.randomUUID()}`, own))).toEqual([404, 'not.found'])
    expect(refusalCode(await updateGuest(sandbox, 'unknown', { attributes: {} }, own))).toEqual([404, 'not.found'])
    expect(refusalCode(await get(sandbox, path, theirs))).toEqual([403, 'not.authorized'])
    expect(refusalCode(await updateGuest(sandbox, made.json['guestId'], { attributes: {} }, theirs))).toEqual([
      403,
      'not.authorized',
    ])
    expect(refusalCode(await refreshGuest(sandbox, refreshTokenOf(made), theirs))).toEqual([403, 'not.authorized'])
    expect((await refreshGuest(sandbox, refreshTokenOf(made), own)).status).toBe(200)
  })
})

describe('a create', () => {
  it.each([
    ['email', undefined, 'parameters.missing'],
    ['email', 'ann', 'invalid.value'],
    ['email', 'ann @mail.example', 'invalid.value'],
    ['email', 'ann@mail@example', 'invalid.value'],
    ['consent', undefined, 'parameters.missing'],
    ['consent', 'true', 'invalid.value'],
    ['consent', false, 'invalid.value'],
    ['channelId', undefined, 'parameters.missing'],
    ['channelId', '', 'invalid.value'],
    ['name', '', 'invalid.value'],
    ['name', 'x'.repeat(101), 'invalid.value'],
    ['attributes', ['a'], 'invalid.value'],
    ['attributes', 'a', 'invalid.value'],
  ])('with %s = %j is refused with a detail that names it', async (field, value, errorCode) => {
    const sandbox = await startSandbox()
    const { status, json } = await createGuest(sandbox, { [field]: value })
    expect([status, json]).toMatchObject([
      400,
      { code: 'constraint.validation', details: [{ errorCode, fieldName: field }] },
    ])
    expect((await createGuest(sandbox)).status).toBe(201)
  })

  it('accepts a name of 100 characters of any script', async () => {
    const sandbox = await startSandbox()
    expect((await createGuest(sandbox, { name: '🙂'.repeat(100) })).status).toBe(201)
  })

  it.each(['POST', 'PUT', 'GET'] as const)('and every other call requires its scope: %s', async (method) => {
    const sandbox = await startSandbox()
    const { json } = await createGuest(sandbox)
    const scope = method === 'GET' ? 'guest:write' : 'guest:read'
    const token = await accessToken(sandbox, scope)
    const replies = {
      POST: () => createGuest(sandbox, { email: 'b@b.example' }, { token }),
      PUT: () => updateGuest(sandbox, json['guestId'], { attributes: {} }, token),
      GET: () => get(sandbox, `${GUESTS}/${String(json['guestId'])}`, token),
    }
    expect(refusalCode(await replies[method]())).toEqual([403, 'app.not.authorized.for.scope'])
    expect(refusalCode(await createGuest(sandbox, {}, { token: 'unknown' }))).toEqual([401, 'bad.credentials'])
  })

  it('is refused while the address has a session on the channel, in any case of the address', async () => {
    const sandbox = await startSandbox({ clients: [{ id: 'neighbour', secret: 's', organization: 'Next door' }] })
    sandbox.channel({ id: 'other' })
    sandbox.channel({ id: 'theirs', organization: 'Next door' })
    const token = String((await askToken(sandbox, {}, { authorization: basic('neighbour', 's') })).json['access_token'])
    await createGuest(sandbox)
    expect(refusalCode(await createGuest(sandbox, { email: EMAIL.toUpperCase() }))).toEqual([409, 'request.conflict'])
    expect((await createGuest(sandbox, { channelId: 'other' })).status).toBe(201)
    expect((await createGuest(sandbox, { channelId: 'theirs' }, { token })).status).toBe(201)
  })

  it('takes effect once when many are sent at the same time', async () => {
    const sandbox = await startSandbox()
    const token = await accessToken(sandbox)
    const replies = await Promise.all(Array.from({ length: 8 }, () => createGuest(sandbox, {}, { token })))
    expect(replies.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, ...Array<number>(7).fill(409)])
  })

  it('succeeds again when token and refresh token have expired', async () => {
    const sandbox = await startSandbox({ engagementTokenSeconds: 60, engagementRefreshSeconds: 120 })
    await createGuest(sandbox)
    sandbox.advance(119_999)
    expect((await createGuest(sandbox)).status).toBe(409)
    sandbox.advance(1)
    expect((await createGuest(sandbox)).status).toBe(201)
    expect(last(sandbox).created).toBe(2)
  })

  it('succeeds again when the platform has ended the session', async () => {
    const sandbox = await startSandbox()
    const first = await createGuest(sandbox)
    sandbox.endGuest(String(first.json['guestId']))
    const second = await createGuest(sandbox)
    expect(refusalCode(await refreshGuest(sandbox, refreshTokenOf(first)))).toEqual([400, 'credentials.expired'])
    expect(second.status).toBe(201)
    const end = { guestId: second.json['guestId'], end: true }
    expect((await control(sandbox, 'guests', end)).status).toBe(204)
    expect((await control(sandbox, 'guests', end)).json).toMatchObject({ status: 400, errors: [{ field: 'guestId' }] })
    expect(() => sandbox.endGuest('unknown')).toThrow(/^The guest is not valid: guestId: no guest/)
  })

  it('with the fault drop after has made the guest, and its answer is lost', async () => {
    const sandbox = await startSandbox({ faults: [{ on: 'create', do: { drop: 'after' } }] })
    expect(await failureCode(createGuest(sandbox))).toBe('ECONNRESET')
    expect(last(sandbox)).toMatchObject({ operation: 'create', status: null, created: 1 })
    expect((await createGuest(sandbox)).status).toBe(409)
  })

  it('with the fault drop before has made no guest', async () => {
    const sandbox = await startSandbox({ faults: [{ on: 'create', do: { drop: 'before' } }] })
    expect(await failureCode(createGuest(sandbox))).toBe('ECONNRESET')
    expect((await createGuest(sandbox)).status).toBe(201)
    expect(last(sandbox).created).toBe(1)
  })
})

describe('a refresh', () => {
  it('gives the next tokens and spends the refresh token', async () => {
    const sandbox = await startSandbox()
    const first = await createGuest(sandbox)
    sandbox.advance(60_000)
    const second = await refreshGuest(sandbox, refreshTokenOf(first))
    expect(second.status).toBe(200)
    expect(Object.keys(second.json).sort()).toEqual(['expiresIn', 'refreshToken', 'token'])
    expect(last(sandbox)).toMatchObject({ guestId: first.json['guestId'], refreshes: 1, presented: 1 })
    expect(refreshTokenOf(second)).not.toBe(refreshTokenOf(first))
    expect(await verifiedClaims(sandbox, second.json['token'], START + 60_000)).toMatchObject({
      sub: first.json['guestId'],
      exp: START / 1000 + 60 + 3600,
    })
    expect(refusalCode(await refreshGuest(sandbox, refreshTokenOf(first)))).toEqual([409, 'request.conflict'])
    expect(last(sandbox)).toMatchObject({ reuse: true, refreshes: 1, presented: 2 })
    expect((await refreshGuest(sandbox, refreshTokenOf(second))).status).toBe(200)
    expect(last(sandbox).refreshes).toBe(2)
  })

  it('takes effect once when many are sent with the same refresh token', async () => {
    const sandbox = await startSandbox()
    const token = await accessToken(sandbox)
    const refreshToken = refreshTokenOf(await createGuest(sandbox))
    const replies = await Promise.all(Array.from({ length: 8 }, () => refreshGuest(sandbox, refreshToken, token)))
    expect(replies.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, ...Array<number>(7).fill(409)])
  })

  it('with the fault drop after has spent the refresh token', async () => {
    const sandbox = await startSandbox()
    const first = await createGuest(sandbox)
    sandbox.script([{ on: 'refresh', do: { drop: 'after' } }])
    expect(await failureCode(refreshGuest(sandbox, refreshTokenOf(first)))).toBe('ECONNRESET')
    expect((await refreshGuest(sandbox, refreshTokenOf(first))).status).toBe(409)
  })

  it('prolongs the session, and is refused after its end', async () => {
    const sandbox = await startSandbox({ engagementTokenSeconds: 60, engagementRefreshSeconds: 100 })
    const first = await createGuest(sandbox)
    expect(first.json['expiresIn']).toBe(60)
    sandbox.advance(99_000)
    const second = await refreshGuest(sandbox, refreshTokenOf(first))
    sandbox.advance(99_000)
    const third = await refreshGuest(sandbox, refreshTokenOf(second))
    expect([second.status, third.status]).toEqual([200, 200])
    sandbox.advance(100_000)
    expect(refusalCode(await refreshGuest(sandbox, refreshTokenOf(third)))).toEqual([400, 'credentials.expired'])
  })

  it.each([[undefined], [''], [7], ['never-issued']])('of %j is refused, naming the field', async (refreshToken) => {
    const sandbox = await startSandbox()
    const { status, json } = await refreshGuest(sandbox, refreshToken)
    expect([status, json['details']]).toMatchObject([400, [{ fieldName: 'refreshToken' }]])
  })
})

it('writes the guest into the journal, and masks address and tokens', async () => {
  const sandbox = await startSandbox()
  const requestId = crypto.randomUUID()
  const headers = { 'x-genesys-request-id': requestId }
  const { json } = await createGuest(sandbox, { attributes: { asked: `by ${EMAIL}`, then: [EMAIL] } }, { headers })
  expect(last(sandbox)).toMatchObject({ operation: 'create', guestId: json['guestId'], created: 1, requestId })
  const mark = (last(sandbox).body as Record<string, unknown>)['email']
  expect(mark).toMatch(/^sha256:[0-9a-f]{12}$/)
  expect(last(sandbox).body).toMatchObject({ attributes: { asked: `by ${String(mark)}`, then: [mark] } })
  await createGuest(sandbox, { email: EMAIL.toUpperCase() }, { headers })
  expect(last(sandbox).body).toMatchObject({ email: mark })
  await createGuest(sandbox, { email: 'ann.example' })
  const token = await accessToken(sandbox)
  await get(sandbox, `/crm/profiles?email=${encodeURIComponent(EMAIL)}&x=1`, token)
  expect(last(sandbox).path).toBe(`/crm/profiles?email=${String(mark)}&x=1`)
  await get(sandbox, `/elsewhere/${encodeURIComponent(EMAIL)}`, token)
  expect(last(sandbox).path).toBe(`/elsewhere/${String(mark)}`)
  const { refreshToken } = json
  await refreshGuest(sandbox, refreshToken)
  const whole = JSON.stringify(sandbox.journal())
  expect(whole).not.toMatch(/ann\.example/i)
  for (const secret of [json['token'], refreshToken]) expect(whole).not.toContain(secret)
})
