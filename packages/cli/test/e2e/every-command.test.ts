import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { genesysVariables } from './genesys-variables.ts'
import { JWS, type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send webmessaging:guest:receive'
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const JWT = /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$/

interface Issued {
  readonly guestId: string
  readonly token: string
  readonly expiresAt: string
  readonly generation: number
}

let upstream: Sandbox
let ann: User
const secrets: string[] = []

const calls = (operation: string): number => upstream.journal().filter((entry) => entry.operation === operation).length

beforeAll(async () => {
  upstream = await sandbox()
  ann = user(genesysVariables(upstream.env))
})
afterAll(async () => {
  ann.removeFolder()
  await upstream.close()
})

/** A new guest, its token in full. */
async function issued(more = ''): Promise<Issued> {
  const { said } = await ann.runJson<Issued>(`${ISSUE} ${more} --reveal`)
  secrets.push(said.token)
  return said
}

describe('a user of every command', () => {
  it('gets an access token once, and afterwards from the store', async () => {
    const first = await ann.run('token')
    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^gp_….{4}\n {2}valid until .*generation 1/) })
    expect(first.err).toMatch(/^guestpass: made the encryption key \S+encryption\.key; keep a copy[^\n]*\n$/)
    const { code, said } = await ann.runJson('token')
    expect([code, said]).toEqual([
      0,
      {
        accessToken: expect.stringMatching(/^gp_….{4}$/),
        expiresAt: expect.stringMatching(TIME),
        scope: 'webmessaging:guest:create webmessaging:guesttoken:write guest:write guest:read externalusers:write',
        generation: 1,
        status: 'active',
      },
    ])
    const { said: shown } = await ann.runJson<{ accessToken: string }>('token --reveal')
    expect(shown.accessToken).toMatch(JWT)
    secrets.push(shown.accessToken)
    expect(calls('token')).toBe(1)
  })

  it('keeps what is remembered closed to others', () => {
    const folder = join(ann.cwd, '.guestpass')
    for (const name of ['guestpass.db', 'encryption.key']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it('issues guests, tokens masked unless asked for', async () => {
    const { code, out, err } = await ann.run(ISSUE)
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^gp_….{4}\n {2}guest [\da-f-]{36}, generation 1, valid until [\dTZ:.-]+, verified\n$/)
    const { said } = await ann.runJson(`${ISSUE} --duration extended`)
    expect(said).toEqual({
      guestId: expect.stringMatching(UUID),
      api: 'guest-tokens',
      token: expect.stringMatching(/^gp_….{4}$/),
      expiresAt: expect.stringMatching(TIME),
      generation: 1,
      verified: true,
    })
    const full = await issued()
    expect(full.token).toMatch(JWT)
  })

  it('makes the next generation of a guest that is known, under either spelling of its id', async () => {
    const { guestId, token } = await issued()
    const next = await issued(`--guest-id ${guestId.toUpperCase()}`)
    expect(next).toMatchObject({ guestId, generation: 2 })
    expect(next.token).not.toBe(token)
    const { said } = await ann.runJson<Issued>(`guest token ${guestId.toUpperCase()} --reveal`)
    expect(said).toEqual({ token: next.token, expiresAt: next.expiresAt, generation: 2 })
  })

  it('serves a token from the store, and a new one when it has lapsed', async () => {
    const lasting = await issued('--duration max')
    const before = calls('mint')
    const [plain, json] = await Promise.all([
      ann.run(`guest token ${lasting.guestId}`),
      ann.runJson<Issued>(`guest token ${lasting.guestId}`),
    ])
    expect(plain.out).toMatch(/^gp_….{4}\n {2}valid until .*, generation 1\n$/)
    expect(json.said).toEqual({ token: `gp_…${lasting.token.slice(-4)}`, expiresAt: lasting.expiresAt, generation: 1 })
    expect(calls('mint')).toBe(before)

    const brief = await issued('--duration 1')
    await expect.poll(() => Date.now() > Date.parse(brief.expiresAt), { timeout: 5_000 }).toBe(true)
    const { said } = await ann.runJson<Issued>(`guest token ${brief.guestId}`)
    expect(said.generation).toBe(2)
    expect(Date.parse(said.expiresAt)).toBeGreaterThan(Date.parse(brief.expiresAt))
  })

  it('gets a token alone and in full with --raw, for a variable of the shell', async () => {
    const { guestId, token } = await issued()
    expect((await ann.run(`guest token ${guestId} --raw`)).out).toBe(`${token}\n`)
    for (const line of [`guest refresh ${guestId} --raw`, `${ISSUE} --raw`, 'token --raw']) {
      const { out } = await ann.run(line)
      secrets.push(out.trim())
      expect(out.trim()).toMatch(JWT)
    }
  })

  it('shows and lists guests without their tokens, a page at a time', async () => {
    const { guestId } = await issued()
    const { said: view } = await ann.runJson(`guest show ${guestId}`)
    expect(view).toEqual({
      guestId,
      api: 'guest-tokens',
      status: 'active',
      generation: 1,
      scopes: expect.arrayContaining(['webmessaging:guest:send', 'webmessaging:guest:receive']),
      verified: true,
      expiresAt: expect.stringMatching(TIME),
      createdAt: expect.stringMatching(TIME),
      subject: expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
    })
    expect((await ann.run(`guest show ${guestId}`)).out).toContain(`${guestId}  guest-tokens  active  generation 1`)

    type Page = { data: { guestId: string }[]; pagination: { cursor: string | null; hasMore: boolean } }
    const { said: all } = await ann.runJson<Page>('guest list')
    const ids = all.data.map((guest) => guest.guestId)
    expect(ids).toContain(guestId)
    expect(all.pagination).toEqual({ cursor: null, hasMore: false })
    const paged: string[] = []
    for (let after = ''; ; ) {
      const { said: page } = await ann.runJson<Page>(`guest list --limit 3 ${after}`)
      paged.push(...page.data.map((guest) => guest.guestId))
      if (!page.pagination.hasMore) break
      after = `--after ${page.pagination.cursor}`
    }
    expect(paged).toEqual(ids)
    expect((await ann.run('guest list --limit 1')).out).toMatch(
      /^GUEST +API .*\n[\da-f-]{36} .*\nMore follow\. Repeat the command with --after \S+\n$/,
    )
  })

  it('revokes a guest for good, also in the eyes of verify', async () => {
    const guest = await issued()
    expect(await ann.runJson(`verify ${guest.token}`)).toMatchObject({ code: 0, said: { valid: true } })
    const { said } = await ann.runJson(`guest revoke ${guest.guestId}`)
    expect(said).toEqual({
      upstream: 'unsupported',
      local: 'done',
      upstreamValidUntil: guest.expiresAt,
    })
    const again = await ann.run(`guest revoke ${guest.guestId}`)
    expect([again.code, again.out]).toEqual([0, expect.stringContaining(`Guest ${guest.guestId} is revoked here.`)])
    expect(await ann.runJson(`verify ${guest.token}`)).toEqual({ code: 4, said: { valid: false, reason: 'revoked' } })
    const before = calls('mint')
    await ann.expectFailure(`guest token ${guest.guestId}`, 2, 'guest_revoked')
    await ann.expectFailure(`${ISSUE} --guest-id ${guest.guestId}`, 2, 'guest_revoked')
    expect(calls('mint')).toBe(before)
    expect((await ann.runJson(`guest show ${guest.guestId}`)).said).toMatchObject({
      status: 'revoked',
      verified: false,
    })
    const { said: reason } = await ann.runJson(`why ${guest.guestId}`)
    expect(reason).toMatchObject({ guestId: guest.guestId, happened: 'ended', cause: 'revoked' })
    expect((await ann.run(`why ${guest.guestId}`)).out).toMatch(/: ended\n.*\n {2}Cause .*\(revoked\)\n/)
    const { said: earlier } = await ann.runJson(`why ${guest.guestId} --at 2026-01-01`)
    expect(earlier).toMatchObject({ at: '2026-01-01T00:00:00.000Z', cause: 'not_yet', records: [] })
  })

  it('hears that a guest is not known', async () => {
    const unknown = '3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90'
    for (const command of ['token', 'show', 'revoke']) {
      const { text } = await ann.expectFailure(`guest ${command} ${unknown}`, 2, 'guest_unknown')
      expect(text).toContain(`no guest ${unknown}`)
    }
  })

  it('reads what happened: audit records, a report, a check-up', async () => {
    const { said: log } = await ann.runJson<{ data: Record<string, unknown>[] }>('audit tail --lines 10000')
    const types = new Set(log.data.map((record) => record['eventType']))
    for (const type of ['ACCESS_TOKEN_RENEWED', 'TOKEN_REQUEST_INITIATED', 'TOKEN_GENERATED_SUCCESS', 'TOKEN_REVOKED'])
      expect(types).toContain(type)
    for (const record of log.data) {
      expect(record).toMatchObject({
        timestamp: expect.stringMatching(TIME),
        actor: 'cli',
        connection: 'default',
        subject: expect.stringMatching(UUID),
        correlationId: expect.stringMatching(UUID),
      })
    }
    const { out } = await ann.run('audit tail --lines 2')
    const lines = out.trimEnd().split('\n')
    const named = log.data.slice(-2).map(({ timestamp, eventType }) => `${String(timestamp)}  ${String(eventType)} `)
    expect(lines.map((line, at) => line.startsWith(named[at] ?? '?'))).toEqual([true, true])
    const { said: older } = await ann.runJson<{ pagination: { cursor: string } }>('audit tail --lines 2')
    const before = `audit tail --lines 1 --before ${older.pagination.cursor}`
    expect((await ann.runJson<typeof log>(before)).said.data).toEqual(log.data.slice(-3, -2))

    const made = log.data.filter((record) => record['eventType'] === 'TOKEN_GENERATED_SUCCESS').length
    const { said: report } = await ann.runJson('report')
    expect(report).toMatchObject({
      connection: 'default',
      guestTokens: { totalRequests: made, succeeded: made, failed: 0, validityRatePercent: 100 },
      accessTokens: { totalRequests: 1, succeeded: 1 },
      revoked: 1,
    })
    expect((await ann.run('report')).out).toMatch(new RegExp(`guest tokens +${made} of ${made} \\(100 %\\)`))

    const doctor = await ann.runJson<{ findings: { check: string; state: string }[] }>('doctor')
    expect(doctor).toMatchObject({ code: 0, said: { healthy: true } })
    const states = Object.fromEntries(doctor.said.findings.map(({ check, state }) => [check, state]))
    expect(states).toMatchObject({ store: 'ok', keys: 'ok', 'OAuth client': 'ok' })
    expect((await ann.run('doctor')).out).toMatch(/^ok +configuration: [^]*No problems found\.\n$/)
  })

  it('sees the settings, the secret masked', async () => {
    const { said } = await ann.runJson<{ settings: Record<string, { value: unknown }> }>('config')
    const secret = upstream.env['GENESYS_CLIENT_SECRET'] ?? ''
    expect(said.settings['GENESYS_CLIENT_SECRET']?.value).toBe(`gp_…${secret.slice(-4)}`)
    expect((await ann.run('config')).code).toBe(0)
  })

  it('is shown how each command is used', async () => {
    for (const command of ['token', 'guest issue', 'guest list', 'verify', 'audit tail', 'demo', 'doctor']) {
      const { code, out } = await ann.run(`${command} --help`)
      expect([code, out]).toEqual([0, expect.stringMatching(new RegExp(`Example:\\n +guestpass ${command}`))])
    }
  })

  it('finds no secret and no token in clear in what was said and stored', () => {
    const clientSecret = upstream.env['GENESYS_CLIENT_SECRET'] ?? ''
    const signatures = secrets.map((token) => token.split('.')[2] ?? '')
    expect(signatures.length).toBeGreaterThan(7)
    expect(ann.leaks([clientSecret, JWS, ...signatures])).toEqual([])
  })
})

describe('the demo', () => {
  it('ends by itself with the jobs done, and leaves nothing behind', async () => {
    const bob = user()
    const [json, { code, out, err }] = await Promise.all([
      bob.start('demo --once --json').ended,
      bob.start('demo').ended,
    ])
    const right = { failed: 0, lost: 0, doubled: 0 }
    expect(JSON.parse(json.out), json.err).toMatchObject({
      jobs: [
        { job: 'renew guest tokens', asked: 50, done: 50, ...right },
        { job: 'mint guest tokens', asked: 50, done: 50, ...right },
        { job: 'a burst over the limit', asked: 200, done: 200, ...right },
        { job: 'authenticate guests', asked: 30, done: 30, ...right },
        { job: 'renew OAuth tokens', asked: 20, done: 20, ...right },
        { job: 'guest identity provider', asked: 20, done: 20, ...right },
      ],
    })
    expect(json.code).toBe(0)
    expect([code, out], err).toEqual([0, expect.stringContaining('Every job did what it should.')])
    expect(err).toContain('A local Genesys Cloud runs at http://127.0.0.1:')
    expect(existsSync(join(bob.cwd, '.guestpass'))).toBe(false)
    expect(bob.leaks([JWS])).toEqual([])
    bob.removeFolder()
  }, 120_000)
})
