import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/domain/json.ts'
import { Secret } from '../../src/domain/secret.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import type { Policy } from '../../src/policy/pipeline.ts'
import { retry } from '../../src/policy/retry.ts'
import { type HttpAnswer, HttpFault, type HttpRequest } from '../../src/ports/http.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import { crm } from '../../src/upstream/crm/provider.ts'
import { engagementCalls } from '../../src/upstream/engagements/provider.ts'
import { externalUserCalls } from '../../src/upstream/external-users/provider.ts'
import { json } from '../world/fake-upstream.ts'
import { answerOf, type Exchange, expectSame, names, read } from './wire-fixtures.ts'

const EMAIL = 'ann.example@mail.example'
const at = { connection: 'default', api: 'https://api.example.com/base' }

/** The providers over one answer, with the requests that were sent. Tries are not repeated. */
function over(answer: HttpAnswer | HttpFault) {
  const sent: HttpRequest[] = []
  const clock = fakeClock()
  const network = {
    clock,
    async http(request: HttpRequest) {
      request.onSend?.()
      sent.push(request)
      if (answer instanceof HttpFault) throw answer
      return answer
    },
  }
  const ending = retry({ retries: 0 }, { clock, random: seededRandom() })
  const bearing: Policy = (next) => ending((call) => next({ ...call, bearer: new Secret('the-access-token') }))
  return {
    sent,
    engagements: engagementCalls({ ...at, network, policyFor: () => bearing }),
    externalUsers: externalUserCalls({ ...at, network, policyFor: () => bearing }),
    crm: crm({ connection: 'default', url: 'https://crm.example.com/v2/?key=k' }, ending, network),
  }
}

async function refusal(asked: Promise<unknown>): Promise<GuestpassError> {
  const thrown: unknown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof GuestpassError) return thrown
  throw new Error(`expected a GuestpassError, got ${String(thrown)}`)
}

const asked = { email: EMAIL, channelId: 'web-1' }
const answer = { guestId: 'g-1', token: 'a.b.c', expiresIn: 600, refreshToken: 'r-1', email: EMAIL, consent: true }

/** What the library says of an exchange: `done`, or the code of its error. */
const said = async (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'done',
    (thrown: unknown) => (thrown instanceof GuestpassError ? thrown.code : String(thrown)),
  )

/** Sends what an exchange asks for, as the library would. */
function replayed({ request, answer }: Exchange): { readonly asked: Promise<unknown>; readonly sent: HttpRequest[] } {
  const { engagements, externalUsers, sent } = over(answerOf(answer))
  const { method, path, headers, body = {} } = request
  const requestId = headers['x-genesys-request-id'] ?? ''
  const last = path.split('/').at(-1) ?? ''
  const { email, channelId, name, attributes, customAttributes, refreshToken } = body as Record<string, string>
  const given = name === undefined ? {} : { name }
  const more = attributes as unknown as Readonly<Record<string, Json>> | undefined
  const texts = customAttributes as unknown as Readonly<Record<string, string>> | undefined
  const ask = (): Promise<unknown> => {
    if (path.endsWith('/externalusers/guests')) {
      const user = { email: email ?? '', name: name ?? '', ...(texts ? { attributes: texts } : {}) }
      return externalUsers.create(user, requestId, { onSend() {} })
    }
    if (path.includes('/channels/')) return engagements.channel(last)
    if (method === 'PUT') return engagements.update(last, more ?? {})
    if (last === 'refresh') return engagements.refresh(new Secret(refreshToken ?? ''), { onSend() {} })
    const person = { email: email ?? '', channelId: channelId ?? '', ...given, ...(more ? { attributes: more } : {}) }
    return engagements.create(person, requestId, { onSend() {} })
  }
  return { asked: ask(), sent }
}

describe('the exchanges of people on the wire', () => {
  // The library looks at no guest upstream.
  const files = ['engagements', 'external-users'].flatMap(names).filter((name) => !name.endsWith('/guest.json'))
  const outcomes: Readonly<Record<string, string>> = {
    'engagements/channel-scope-missing.json': 'access_denied',
    'engagements/channel-unknown.json': 'channel_unavailable',
    'engagements/create-again.json': 'session_exists',
    'engagements/create-channel-unknown.json': 'access_denied',
    'engagements/create-invalid.json': 'upstream_rejected',
    'engagements/create-scope-missing.json': 'access_denied',
    'engagements/refresh-spent.json': 'refresh_impossible',
    'engagements/refresh-unknown.json': 'refresh_impossible',
    'engagements/update-unknown.json': 'upstream_rejected',
    'external-users/create-again.json': 'session_exists',
    'external-users/create-invalid.json': 'upstream_rejected',
    'external-users/create-no-user.json': 'access_denied',
    'external-users/create-scope-missing.json': 'access_denied',
  }

  it('are there', () => {
    expect(files.length).toBeGreaterThan(15)
    for (const name of Object.keys(outcomes)) expect(files).toContain(name)
  })

  it.each(files)('%s', async (file) => {
    const exchange = read(file)
    const { asked, sent } = replayed(exchange)
    expect(await said(asked)).toBe(outcomes[file] ?? 'done')
    expect(sent).toHaveLength(1)
    // Requests that are not valid never leave the library; these show only what the answer looks like.
    if (file.endsWith('-invalid.json')) return
    const [request] = sent as [HttpRequest]
    expectSame({ ...request, url: request.url.replace('/base/', '/') }, exchange.request)
  })
})

describe('engagements on the wire', () => {
  it('a create has what the contract says, and its answer is a guest with tokens', async () => {
    const { engagements, sent } = over(json(201, answer))
    let sends = 0
    const created = await engagements.create({ ...asked, name: 'Ann', attributes: { a: 1 } }, 'id-1', {
      onSend: () => void (sends += 1),
    })
    expect(sent[0]).toMatchObject({
      method: 'POST',
      url: 'https://api.example.com/base/api/v2/engagements/guests',
      headers: {
        authorization: 'Bearer the-access-token',
        'content-type': 'application/json',
        'x-genesys-request-id': 'id-1',
      },
    })
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({ ...asked, consent: true, name: 'Ann', attributes: { a: 1 } })
    expect(created).toMatchObject({ guestId: 'g-1', lifetime: 600_000, status: 201 })
    expect([created.access.reveal(), created.refresh?.reveal(), sends]).toEqual(['a.b.c', 'r-1', 1])
  })

  it('leaves out of a create what was not given', async () => {
    const { engagements, sent } = over(json(201, answer))
    await engagements.create(asked, 'id-1', { onSend() {} })
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({ ...asked, consent: true })
  })

  it.each([
    [409, { code: 'conflict' }, 'session_exists'],
    [403, { code: 'app.not.authorized.for.scope' }, 'access_denied'],
    [400, { code: 'bad.request' }, 'upstream_rejected'],
    [429, {}, 'upstream_busy'],
    [503, {}, 'upstream_unavailable'],
    [502, {}, 'in_doubt'],
    [500, { code: 'internal.error' }, 'in_doubt'],
    [302, {}, 'upstream_garbled'],
    [200, { guestId: 'g' }, 'in_doubt'],
    [200, 'no object', 'in_doubt'],
  ])('a create that is answered %i %j ends with %s', async (status, body, code) => {
    const { engagements, sent } = over(json(status, body))
    const error = await refusal(engagements.create(asked, 'id-1', { onSend() {} }))
    expect(error.code).toBe(code)
    expect(sent).toHaveLength(1)
    if (status === 403) expect(error.message).toContain('guest:write')
  })

  it.each<[HttpFault['kind'], string]>([
    ['lost', 'in_doubt'],
    ['oversized', 'in_doubt'],
    ['unsent', 'upstream_unavailable'],
  ])('a create that is %s ends with %s', async (kind, code) => {
    const { engagements } = over(new HttpFault(kind, 'x'))
    expect((await refusal(engagements.create(asked, 'id-1', { onSend() {} }))).code).toBe(code)
  })

  it('a refusal that repeats the address does not show it', async () => {
    const message = `${EMAIL} and ${encodeURIComponent(EMAIL)} are not welcome`
    const { engagements } = over(json(400, { code: 'bad.request', message }))
    const error = await refusal(engagements.create(asked, 'id-1', { onSend() {} }))
    expect(error.message).toContain('are not welcome')
    expect(error.message).not.toMatch(/ann\.example/)
  })

  it('a refresh hands in its token and gets the next, or keeps the one there is', async () => {
    const { engagements, sent } = over(json(200, { token: 'd.e.f', expiresIn: 60, refreshToken: 'r-2' }))
    const granted = await engagements.refresh(new Secret('r-1'), { onSend() {} })
    expect(sent[0]?.url).toBe('https://api.example.com/base/api/v2/engagements/guests/refresh')
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({ refreshToken: 'r-1' })
    expect([granted.access.reveal(), granted.refresh?.reveal()]).toEqual(['d.e.f', 'r-2'])
    const kept = await over(json(200, { token: 'd.e.f' })).engagements.refresh(new Secret('r-1'), { onSend() {} })
    expect([kept.refresh, kept.lifetime]).toEqual([undefined, undefined])
  })

  it.each([
    [409, 'refresh_impossible'],
    [400, 'refresh_impossible'],
    [404, 'refresh_impossible'],
    [403, 'access_denied'],
    [429, 'upstream_busy'],
    [504, 'in_doubt'],
  ])('a refresh that is answered %i ends with %s, and does not show the token', async (status, code) => {
    const { engagements } = over(json(status, { message: 'not with refresh-token-1' }))
    const error = await refusal(engagements.refresh(new Secret('refresh-token-1'), { onSend() {} }))
    expect(error.code).toBe(code)
    expect(error.message).not.toContain('refresh-token-1')
  })

  it('attributes are put under the guest, and a channel is looked at by its id', async () => {
    const { engagements, sent } = over(json(200, {}))
    await engagements.update('g/1', { tier: 'gold' })
    await engagements.channel('web-1')
    expect(sent.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['PUT', 'https://api.example.com/base/api/v2/engagements/guests/g%2F1', '{"attributes":{"tier":"gold"}}'],
      ['GET', 'https://api.example.com/base/api/v2/journey/actions/channels/web-1', undefined],
    ])
  })

  it.each([
    [404, {}, 'channel_unavailable'],
    [403, { code: 'no.scope' }, 'access_denied'],
    [500, {}, 'upstream_unavailable'],
  ])('a channel that is answered %i %j ends with %s', async (status, body, code) => {
    const error = await refusal(over(json(status, body)).engagements.channel('web-1'))
    expect(error.code).toBe(code)
    if (status === 403) expect(error.message).toContain('guest:read')
  })
})

describe('external users on the wire', () => {
  it('a create has what the contract says, and its answer is a guest with a token', async () => {
    const { externalUsers, sent } = over(json(200, { id: 'u-1', token: 'a.b.c', name: 'Ann', email: EMAIL }))
    const created = await externalUsers.create({ email: EMAIL, name: 'Ann', attributes: { a: 'b' } }, 'id-1', {
      onSend() {},
    })
    expect(sent[0]?.url).toBe('https://api.example.com/base/api/v2/externalusers/guests')
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({ name: 'Ann', email: EMAIL, customAttributes: { a: 'b' } })
    expect([created.guestId, created.refresh, created.lifetime]).toEqual(['u-1', undefined, undefined])
  })

  it.each([
    [401, {}, 'access_rejected'],
    [401, { code: 'no.scope' }, 'access_denied'],
    [403, { code: 'no.scope' }, 'access_denied'],
    [403, { code: 'not.authorized' }, 'access_denied'],
    [409, {}, 'session_exists'],
    [429, {}, 'upstream_busy'],
    [200, { id: 'u-1' }, 'in_doubt'],
  ])('a create that is answered %i %j ends with %s', async (status, body, code) => {
    const { externalUsers } = over(json(status, body))
    const error = await refusal(externalUsers.create({ email: EMAIL, name: 'Ann' }, 'id-1', { onSend() {} }))
    expect(error.code).toBe(code)
    if (code === 'access_denied') {
      expect(error.message).toContain(
        JSON.stringify(body).includes('scope') ? 'externalusers:write' : 'guestpass login',
      )
    }
  })
})

describe('a CRM on the wire', () => {
  it('is asked below its address, whose query stays', async () => {
    const { crm, sent } = over(json(200, { customerId: 'c-1', tier: '', more: 1 }))
    expect(await crm.profile(EMAIL)).toEqual({ customerId: 'c-1' })
    const url = new URL(sent[0]?.url ?? '')
    expect([url.origin, url.pathname, url.searchParams.get('key'), url.searchParams.get('email')]).toEqual([
      'https://crm.example.com',
      '/v2/profiles',
      'k',
      EMAIL,
    ])
  })

  it('knows nobody where it says 404 or nothing, and fails otherwise', async () => {
    expect(await over(json(404, {})).crm.profile(EMAIL)).toBeUndefined()
    expect(await over(json(200, {})).crm.profile(EMAIL)).toBeUndefined()
    expect((await refusal(over(json(200, [])).crm.profile(EMAIL))).code).toBe('upstream_garbled')
    expect((await refusal(over(json(500, { message: EMAIL })).crm.profile(EMAIL))).message).not.toContain('ann.example')
  })
})
