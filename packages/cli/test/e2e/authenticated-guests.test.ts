import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type PlainUpstream, plainUpstream } from '../upstream/plain-upstream.ts'
import { type User, user } from './user.ts'

const EMAIL = 'ann.example@mail.example'
const ISSUE = `guest issue --api engagements --email ${EMAIL} --consent --channel web-1`
const USER = `guest issue --api external-users --email ${EMAIL} --name Ann`
const CREATE = 'POST /api/v2/engagements/guests'
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

interface Issued {
  readonly guestId: string
  readonly token: string
  readonly generation: number
  readonly upstream?: Readonly<Record<string, unknown>>
}

let upstream: PlainUpstream
const users: User[] = []
beforeAll(async () => {
  upstream = await plainUpstream()
})
afterAll(() => upstream.close())
afterEach(() => {
  upstream.people.lapse()
  for (const one of users.splice(0)) {
    expect(one.leaks([EMAIL, 'Ann Example', ...upstream.given])).toEqual([])
    one.removeFolder()
  }
})

function newUser(): User {
  const one = user({ ...upstream.env, CRM_BASE_URL: `${upstream.url}/crm`, GUESTPASS_AUDIT_FILE: 'audit.jsonl' })
  users.push(one)
  return one
}

const asked = (key: string): number => upstream.met.filter((one) => one === key).length

describe('a user of guest issue', () => {
  it('authenticates a guest, who is enriched before the command ends', async () => {
    const ann = newUser()
    const { code, said } = await ann.runJson<Issued>(`${ISSUE} --attribute plan=a=b size=9`)
    expect([code, said]).toEqual([
      0,
      {
        guestId: expect.stringMatching(UUID),
        api: 'engagements',
        token: expect.stringMatching(/^gp_….{4}$/),
        expiresAt: expect.stringMatching(TIME),
        generation: 1,
        verified: true,
        channelId: 'web-1',
        crm: { customerId: 'c-17', tier: 'gold', lastInteraction: '2025-12-24' },
        upstream: {
          guestId: said.guestId,
          email: EMAIL,
          consent: true,
          channelId: 'web-1',
          createdDate: '2026-01-01T00:00:00.000Z',
          expiresIn: 3_600,
        },
      },
    ])
    expect(upstream.people.attributes.get(said.guestId)).toEqual({
      plan: 'a=b',
      size: '9',
      customerId: 'c-17',
      tier: 'gold',
      lastInteraction: '2025-12-24',
      consentTimestamp: expect.stringMatching(TIME),
      authMethod: 'guest-api',
      sessionVersion: '1.0',
    })
    const { out } = await ann.run('audit tail')
    for (const type of ['GUEST_CREATE_INITIATED', 'guest.authentication', 'GUEST_ENRICHED']) expect(out).toContain(type)
    expect((await ann.runJson('report')).said).toMatchObject({ authentications: { succeeded: 1, failed: 0 } })
    expect((await ann.run('guest list')).out).toMatch(/^GUEST .*\n\S+ +engagements +active +\S+ +1 /)
  })

  it('has one session for an address and channel, reused and replaced for those who are verified', async () => {
    const ann = newUser()
    const { said: first } = await ann.runJson<Issued>(`${ISSUE} --reveal`)
    const { problem, text } = await ann.expectFailure(ISSUE.replace('ann', 'ANN'), 1, 'session_exists')
    expect(JSON.stringify(problem) + text).not.toContain(first.guestId)
    const { said: again } = await ann.runJson<Issued>(`${ISSUE} --assurance verified --on-duplicate reuse --reveal`)
    expect([again.guestId, again.token]).toEqual([first.guestId, first.token])
    const { said: next } = await ann.runJson<Issued>(`${ISSUE} --assurance verified --on-duplicate replace --reveal`)
    expect(next).toMatchObject({ api: 'engagements' })
    expect([next.guestId, next.generation]).toEqual([first.guestId, 2])
    expect(await ann.runJson('verify -', { input: first.token })).toMatchObject({
      code: 4,
      said: { reason: 'revoked' },
    })
    expect(await ann.runJson('verify -', { input: next.token })).toMatchObject({ code: 0 })
  })

  it('reports every fault by the name that was typed', async () => {
    const ann = newUser()
    const before = upstream.met.length
    const { problem } = await ann.expectFailure(
      'guest issue --api engagements --email no-address --attribute tier=gold --assurance sure --duration short',
      2,
      'invalid_input',
    )
    expect(problem.fields?.map(({ field }) => field).sort()).toEqual([
      '--assurance',
      '--attribute.tier',
      '--channel',
      '--consent',
      '--duration',
      '--email',
    ])
    expect(problem.detail).not.toMatch(/no-address|gold/)
    const { problem: unverified } = await ann.expectFailure(`${ISSUE} --on-duplicate reuse`, 2, 'invalid_input')
    expect(unverified.fields?.[0]?.field).toBe('--on-duplicate')
    await ann.expectFailure(`${ISSUE} --attribute plan`, 2, 'invalid_input')
    expect(upstream.met.length).toBe(before)
  })

  it('may leave the channel to the configuration', async () => {
    const ann = newUser()
    const options = { env: { GENESYS_CHANNEL_ID: 'web-1' } }
    const issue = ISSUE.replace(' --channel web-1', '')
    expect((await ann.runJson(issue, options)).said).toMatchObject({ channelId: 'web-1' })
    expect((await ann.runJson(`guest invalidate --email ${EMAIL}`, options)).said).toMatchObject({ freed: true })
    const { problem } = await ann.expectFailure(issue, 2, 'invalid_input')
    expect(problem.fields?.map(({ field }) => field)).toEqual(['--channel'])
  })

  it('hears that the channel is the cause before anything is made', async () => {
    const before = asked(CREATE)
    const { problem } = await newUser().expectFailure(ISSUE.replace('web-1', 'web-9'), 3, 'channel_unavailable')
    expect([problem.reason, asked(CREATE)]).toEqual(['channel', before])
  })

  it('is found, exported and erased by the address, on one channel or on all', async () => {
    const ann = newUser()
    const { guestId } = (await ann.runJson<Issued>(ISSUE)).said
    const { said: found } = await ann.runJson(`guest find --email ${EMAIL.toUpperCase()}`)
    expect(found).toMatchObject({ data: [{ guestId }], pagination: { cursor: null, hasMore: false } })
    const table = await ann.run('guest find --channel web-1 --email -', { input: `${EMAIL}\n` })
    expect(table.out).toMatch(new RegExp(`^GUEST .*\n${guestId} .*\n$`))
    const { said: exported } = await ann.runJson(`guest export --email ${EMAIL} --channel web-1`)
    expect(exported).toMatchObject({ guests: [{ guestId, profile: { email: EMAIL } }] })
    expect((await ann.run(`guest export --email ${EMAIL} --channel web-1 --output ann.json`)).out).toBe(
      '1 guest in ann.json\n',
    )
    const written = join(ann.cwd, 'ann.json')
    expect(JSON.parse(readFileSync(written, 'utf8'))).toEqual(exported)
    rmSync(written)
    expect((await ann.runJson(`guest erase --email ${EMAIL} --channel web-2`)).said).toMatchObject({ guests: [] })
    const { out } = await ann.run(`guest erase --email ${EMAIL}`)
    expect(out).toMatch(new RegExp(`^Erased here:\n {2}${guestId} {2}engagements\n`))
    expect(out).toContain('  Remains: files of imports')
    expect(out).toContain('  Remains: files of `guest export`')
    expect((await ann.run(`guest find --email ${EMAIL}`)).out).toBe('No guest of this address.\n')
    await ann.expectFailure('guest erase', 2, 'invalid_input')
    await ann.expectFailure(`guest erase ${guestId} --email ${EMAIL}`, 2, 'invalid_input')
    // It would erase the guests of all APIs.
    await ann.expectFailure(`guest erase --email ${EMAIL} --api external-users`, 2, 'invalid_input')
  })

  it('renews, gives up, revokes and erases the guest', async () => {
    const ann = newUser()
    const { said: guest } = await ann.runJson<Issued>(ISSUE)
    expect((await ann.runJson(`guest refresh ${guest.guestId}`)).said).toMatchObject({ generation: 2 })
    const { said: freed } = await ann.runJson(`guest invalidate --email ${EMAIL} --channel web-1`)
    expect(freed).toEqual({ freed: true, guestId: guest.guestId })
    expect((await ann.run(`guest invalidate --email ${EMAIL} --channel web-1`)).out).toBe(
      'The address has no session.\n',
    )
    await ann.expectFailure('guest invalidate --email ann', 2, 'invalid_input')
    const { code, said } = await ann.runJson(`guest erase ${guest.guestId}`)
    expect([code, said]).toEqual([
      0,
      {
        upstream: 'unsupported',
        local: 'done',
        upstreamValidUntil: expect.stringMatching(TIME),
        remains: expect.arrayContaining([expect.stringContaining('Genesys Cloud')]),
      },
    ])
    expect((await ann.run(`guest erase ${guest.guestId}`)).out).toMatch(/is erased here\.\n {2}Genesys has no call/)
    await ann.expectFailure(`guest token ${guest.guestId}`, 2, 'guest_revoked')
    expect((await ann.runJson(`guest show ${guest.guestId}`)).said).toMatchObject({ status: 'erased', scopes: [] })
    expect((await ann.run(`guest show ${guest.guestId}`)).out).toMatch(/erased.*no token\n {2}since \S+Z\n$/)
  })

  it('makes an external user, who is authenticated again instead of being renewed', async () => {
    const ann = newUser()
    const { code, said } = await ann.runJson<Issued>(`${USER} --attribute plan=gold`)
    expect([code, said]).toMatchObject([0, { api: 'external-users', generation: 1, verified: true }])
    expect(said).not.toHaveProperty('channelId')
    expect(said.upstream).toEqual({ id: said.guestId, name: 'Ann', email: EMAIL, selfUri: expect.any(String) })
    await ann.expectFailure(`guest refresh ${said.guestId}`, 3, 'refresh_impossible')
    await ann.expectFailure(USER, 1, 'session_exists')
    await ann.runJson(`guest invalidate --api external-users --email ${EMAIL}`)
    expect((await ann.runJson<Issued>(USER)).said.guestId).not.toBe(said.guestId)
  })

  it('is not made a second time after a lost answer, but with --create-again', async () => {
    const ann = newUser()
    const creates = (): number => asked('POST /api/v2/externalusers/guests')
    const before = creates()
    await ann.run(USER.replace('Ann', 'Lost'))
    const { text } = await ann.expectFailure(USER, 1, 'create_in_doubt')
    expect([text, creates() - before]).toEqual([expect.stringMatching(/create/), 1])
    const { code, said } = await ann.runJson<Issued>(`${USER} --create-again`)
    expect([code, said, creates() - before]).toMatchObject([0, { generation: 1 }, 2])
    expect((await ann.run('audit tail')).out).toContain('GUEST_ORPHANED')
    const { out } = await ann.run(`guest token ${said.guestId} --api external-users`)
    expect(out).toMatch(/generation 1/)
    await ann.expectFailure(`guest token ${said.guestId} --api engagements`, 2, 'guest_unknown')
    await ann.expectFailure(`guest token ${said.guestId} --api nothing`, 2, 'invalid_input')
    const mint = 'guest issue --api guest-tokens --scope webmessaging:guest:send --create-again'
    expect((await ann.expectFailure(mint, 2, 'invalid_input')).text).toContain('--create-again: not a field')
  })

  it('is imported a second time only with --create-again, and not asked for again and again', async () => {
    const ann = newUser()
    const creates = (): number => asked('POST /api/v2/externalusers/guests')
    const before = creates()
    writeFileSync(join(ann.cwd, 'lost.csv'), `email,name\n${EMAIL},Lost\n`)
    writeFileSync(join(ann.cwd, 'ann.csv'), `email,name\n${EMAIL},Ann\n`)
    for (const file of ['lost', 'ann']) {
      const { code, said } = await ann.runJson(`guest import ${file}.csv --api external-users`)
      expect([code, said, creates() - before]).toMatchObject([1, { done: 0, failed: 1 }, 1])
      const failures = join(ann.cwd, `${file}.csv.failures.csv`)
      expect(readFileSync(failures, 'utf8')).toContain('create_in_doubt')
      // They hold the address, as they should.
      rmSync(failures)
      if (file === 'lost') rmSync(join(ann.cwd, 'lost.csv'))
    }
    const { said } = await ann.runJson('guest import ann.csv --api external-users --create-again')
    expect([said, creates() - before]).toMatchObject([{ done: 1, failed: 0 }, 2])
    rmSync(join(ann.cwd, 'ann.csv'))
  })

  it('lacks a scope, which is named', async () => {
    const { problem } = await newUser().expectFailure(ISSUE, 3, 'channel_unavailable', {
      env: { GENESYS_SCOPES: 'guest:write' },
    })
    expect(problem.reason).toBe('scope')
  })
})
