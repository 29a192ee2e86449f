import { describe, expect, it } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { type HttpAnswer, HttpFault } from '../../../src/ports/http.ts'
import { engagementCalls } from '../../../src/upstream/engagements/provider.ts'
import { json } from '../../world/fake-upstream.ts'
import { callsOver, refusal } from '../calls-over.ts'

const EMAIL = 'ann.example@mail.example'
const asked = { email: EMAIL, channelId: 'web-1' }
const answer = { guestId: 'g-1', token: 'a.b.c', expiresIn: 600, refreshToken: 'r-1', email: EMAIL, consent: true }

function over(given: HttpAnswer | HttpFault) {
  const { parts, sent } = callsOver(given)
  return { sent, engagements: engagementCalls(parts) }
}

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
