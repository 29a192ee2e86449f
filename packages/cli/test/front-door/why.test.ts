import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { programs } from './programs.ts'

const SEND = { scopes: ['webmessaging:guest:send'] }

let genesys: Sandbox
beforeAll(async () => {
  genesys = await sandbox()
})
afterAll(() => genesys.close())

const program = programs(() => ({ env: genesys.env, store: 'memory' }))

describe('gp.guests.why', () => {
  it('explains a guest by its id, now and at a time, in the names of the options', async () => {
    const gp = await program({ rateLimit: 200, patienceSeconds: 2 })
    const before = Date.now() - 60_000
    const { guestId } = await gp.guests.issue(SEND)
    const first = await gp.guests.why(guestId)
    expect(first).toMatchObject({ guestId, api: 'guest-tokens', cause: 'first_token', happened: 'issued' })
    expect(first.records.map(({ record }) => record.eventType)).toEqual([
      'TOKEN_REQUEST_INITIATED',
      'TOKEN_GENERATED_SUCCESS',
    ])
    expect(await gp.guests.why(guestId, { at: new Date(before) })).toMatchObject({ cause: 'not_yet', at: before })
    genesys.script([{ on: 'refresh', do: { status: 429, headers: { 'retry-after': '60' } }, times: 1 }])
    await expect(gp.guests.refresh(guestId)).rejects.toMatchObject({ code: 'upstream_busy' })
    const limited = await gp.guests.why(guestId, {}, { api: 'guest-tokens' })
    expect(limited).toMatchObject({
      cause: 'rate_limited',
      happened: 'failed',
      setting: { name: '`rateLimit`', value: 200 },
      prevention: 'Set `rateLimit` to what the upstream allows, and spread the load.',
    })
  })

  it.each(['', undefined])('is refused without an id: %j', async (id) => {
    const gp = await program()
    await expect(gp.guests.why(id as string)).rejects.toMatchObject({
      message: 'The request is not valid: guestId: is missing.',
    })
  })

  it('explains a guest whose first token failed by the subject that listeners got', async () => {
    const gp = await program()
    const subjects: string[] = []
    gp.on('tokenFailed', ({ subject }) => void subjects.push(subject))
    const guestId = '3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90'
    genesys.script([{ on: 'mint', do: { status: 400 }, times: 1 }])
    await expect(gp.guests.issue({ guestId, ...SEND })).rejects.toMatchObject({ code: 'upstream_rejected' })
    await expect(gp.guests.why(guestId)).rejects.toMatchObject({
      code: 'guest_unknown',
      message: expect.stringContaining('guests.why({ subject })'),
    })
    const [subject = ''] = subjects
    const answer = await gp.guests.why({ subject })
    expect(answer).toMatchObject({ subject, cause: 'upstream_rejected', happened: 'refused' })
    expect(answer).not.toHaveProperty('guestId')
  })

  it.each([
    ['a number', 5, undefined, 'subject'],
    ['an unknown member', { id: 'g' }, undefined, 'subject'],
    ['an empty subject', { subject: ' ' }, undefined, 'subject'],
    ['a time as text', 'g', { at: 'yesterday' }, 'at'],
    ['an option that is none', 'g', { until: 5 }, 'until'],
  ])('refuses %s', async (_, whose, options, field) => {
    const gp = await program()
    await expect(gp.guests.why(whose as never, options as never)).rejects.toMatchObject({
      code: 'invalid_input',
      fields: expect.arrayContaining([expect.objectContaining({ field })]),
    })
  })
})
