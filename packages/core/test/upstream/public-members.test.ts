import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { publicMembers } from '../../src/upstream/public-members.ts'
import { ann, EMAIL, applicantWorld, reuse, verified } from '../world/applicant-world.ts'
import { refusal } from '../world/world.ts'
import { json } from '../world/fake-upstream.ts'

describe('what the API answers when it makes a guest', () => {
  const said = { createdDate: '2026-01-01T00:00:00.000Z', updatedDate: null, selfUri: '/api/v2/engagements/guests/7' }

  it('is handed on with the guest, its tokens left out', async () => {
    const here = applicantWorld()
    here.upstream.answers = { ...said, links: [{ rel: 'self', accessToken: 'x' }] }
    const { guests } = await here.process()
    const { guestId, upstream } = await guests.issue(verified)
    const all = {
      guestId,
      expiresIn: 3_600,
      email: EMAIL,
      channelId: 'web-1',
      consent: true,
      ...said,
      links: [{ rel: 'self' }],
    }
    expect(upstream).toEqual(all)
    expect((await guests.issue(reuse)).upstream).toEqual(all)
  })

  it('is handed on with an external user', async () => {
    const here = applicantWorld()
    here.upstream.answers = said
    const { guests } = await here.process()
    const { guestId, upstream } = await guests.issue({ api: 'external-users', email: EMAIL, name: 'Ann Example' })
    expect(upstream).toEqual({ id: guestId, name: 'Ann Example', email: EMAIL, ...said })
  })

  it('shows in no log of the guest, and is erased with it', async () => {
    const here = applicantWorld()
    const { guests } = await here.process()
    const guest = await guests.issue(ann)
    expect(guest.upstream?.['email']).toBe(EMAIL)
    expect(`${inspect(guest)} ${JSON.stringify(guest)}`).not.toContain(EMAIL)
    await guests.erase(guest.guestId)
    expect((await here.row(guest.guestId))?.profile).toBeUndefined()
  })

  it('leaves out texts that hold a token, what is nested too deep, and what is too large', () => {
    const deep = { a: { b: { c: { d: 'too deep' }, e: 1 } } }
    const body = { first: 1, echo: 'Bearer t0ken', list: ['t0ken', 'x'], deep, huge: 'x'.repeat(5_000), last: true }
    expect(publicMembers(body, ['t0ken'])).toEqual({ first: 1, list: ['x'], deep: { a: { b: { e: 1 } } }, last: true })
    const abyss = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) as unknown
    expect(publicMembers({ id: 'g', abyss }, [])).toEqual({ id: 'g', abyss: [[[]]] })
  })
})

describe('an external user for whom no user is signed in', () => {
  it.each([
    ['whose scopes are not granted', 'token', json(400, { error: 'invalid_scope' })],
    ['who may not be made', 'user', json(403, { code: 'not.authorized' })],
  ] as const)('%s is refused with the sign-in that is missing', async (_what, kind, answer) => {
    const here = applicantWorld()
    here.upstream.always(kind, async () => answer)
    const { guests } = await here.process()
    const error = await refusal(guests.issue({ api: 'external-users', email: EMAIL, name: 'Ann Example' }))
    expect(error).toMatchObject({ code: 'needs_reauth', upstream: { status: answer.status } })
    expect(error.message).toContain('no user is signed in')
    expect(error.message).toContain('Sign in first.')
    expect(error.message).not.toContain('`scopes`')
  })

  it('is another matter than a sign-in that lacks a scope', async () => {
    const here = applicantWorld()
    here.upstream.scopes = 'user:read'
    const { guests } = await here.process({ refreshToken: new Secret('seed') })
    const error = await refusal(guests.issue({ api: 'external-users', email: EMAIL, name: 'Ann Example' }))
    expect(error.code).toBe('scope_missing')
  })
})
