import { describe, expect, it } from 'vitest'
import type { HttpAnswer } from '../../../src/ports/http.ts'
import { externalUserCalls } from '../../../src/upstream/external-users/provider.ts'
import { json } from '../../world/fake-upstream.ts'
import { callsOver, refusal } from '../calls-over.ts'

const EMAIL = 'ann.example@mail.example'

function over(given: HttpAnswer) {
  const { parts, sent } = callsOver(given)
  return { sent, externalUsers: externalUserCalls(parts) }
}

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
        JSON.stringify(body).includes('scope') ? 'externalusers:write' : 'the sign-in of a user',
      )
    }
  })
})
